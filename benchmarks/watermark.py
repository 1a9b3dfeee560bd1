"""Marks clips, recompresses and rescales them, looks for the mark in them and in unmarked ones, and prints the figures.

    python benchmarks/watermark.py [CLIP.mp4 ...] [--frames 50]

Without clips it runs on one rendered from the sample portrait.

Each clip gives its first frames. They are marked and written as facediff writes; that copy is cropped, and is written
again at half the size and at crf 28. Unmarked, at full and at half size, clips give as many parts of that length as
fit, up to --parts, to count false alarms.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import sample

from facediff.media import VideoReader, VideoWriter
from facediff.provenance.watermark import CROP_THRESHOLD, THRESHOLD, detect, embed


def coded(frames: list[np.ndarray], **settings) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.mp4"
        with VideoWriter(path, (frames[0].shape[1], frames[0].shape[0]), 25, **settings) as writer:
            for frame in frames:
                writer.write(frame)
        return list(VideoReader(path))


def halved(frames: list[np.ndarray]) -> list[np.ndarray]:
    size = (frames[0].shape[1] // 2, frames[0].shape[0] // 2)
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]


def cropped(frames: list[np.ndarray]) -> list[np.ndarray]:
    height, width = frames[0].shape[:2]
    return [np.ascontiguousarray(f[height // 20 :, width // 15 : -width // 12]) for f in frames]


def parts(path: Path, length: int, limit: int) -> Iterator[list[np.ndarray]]:
    frames = iter(VideoReader(path))
    for _ in range(limit):
        part = list(islice(frames, length))
        if len(part) < length // 2:
            return
        yield part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--parts", type=int, default=1, help="of each clip, unmarked")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not options.clips:
            print(sample.NOTE)
            options.clips = sample.clips(Path(folder), 1)
        report(options)


def report(options: argparse.Namespace) -> None:
    found = {"as written": [], "half size, crf 28": [], "cropped": []}
    alarms, unmarked, quality, took = [], [], [], []
    for clip in options.clips:
        for k, frames in enumerate(parts(clip, options.frames, options.parts)):
            for plain in (frames, halved(frames)) if k == 0 else (frames,):
                result = detect(plain)
                alarms.append(result.is_found)
                unmarked.append(result.score)
            if k:
                continue
            sample = cv2.resize(frames[0], (512, 512))
            embed(sample)
            started = time.process_time()
            for _ in range(10):
                embed(sample)
            took.append(100 * (time.process_time() - started))
            marked = [embed(frame) for frame in frames]
            error = np.mean([cv2.absdiff(a, b).astype(float) ** 2 for a, b in zip(marked, frames, strict=True)])
            quality.append(10 * np.log10(255**2 / error))
            written = coded(marked)
            copies = {"as written": written, "half size, crf 28": coded(halved(written), crf=28, preset="medium")}
            copies["cropped"] = cropped(written)
            results = {name: detect(copy) for name, copy in copies.items()}
            for name, result in results.items():
                found[name].append(result)
            height, width = frames[0].shape[:2]
            scores = "  ".join(f"{name} {r.score:5.1f}{'' if r.is_found else ' missed'}" for name, r in results.items())
            print(f"{clip.stem[:24]:24} {width:4}x{height:<4} {quality[-1]:4.1f} dB  {scores}", flush=True)
    print("\n| clips | found | score, median | score, extreme |\n|---|---|---|---|")
    for name, results in found.items():
        scores = [r.score for r in results]
        share = f"{sum(r.is_found for r in results)} of {len(results)}"
        print(f"| {name} | {share} | {np.median(scores):.1f} | least {min(scores):.1f} |")
    print(f"| unmarked | {sum(alarms)} of {len(alarms)} | {np.median(unmarked):.1f} | most {max(unmarked):.1f} |")
    print(f"\nThe threshold is {THRESHOLD:g} deviations, {CROP_THRESHOLD:g} for a crop.")
    print(f"PSNR {np.median(quality):.1f} dB in the median, {min(quality):.1f} at least")
    print(f"{np.median(took):.1f} ms of one core a frame of 512x512")


if __name__ == "__main__":
    main()
