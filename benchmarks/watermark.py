"""Marks clips, copies them as people do, looks for the mark in the copies and in unmarked clips, and prints a table.

    python benchmarks/watermark.py [CLIP.mp4 ...] [--frames 50] [--parts 1] [--wall CLIP.mp4 --box 10 140 10 120]
    python benchmarks/watermark.py CLIP.mp4 PICTURE.jpg ... --unmarked [--copied] [--frames 50] [--parts 1]

Without clips it runs on one rendered from the sample portrait.

Each clip gives its first frames. They are marked and written as facediff writes, and that file is copied: at half the
size at crf 28, cut by 10 %, cut to 9:16, in VP9 at 480p, and recorded from a screen at another scale. Unmarked, clips
give as many parts of that length as fit, up to --parts, each copied in the same ways, to count false alarms. A wall is
a still, smooth box (top, bottom, left, right) of a clip: what the mean of its frames deviates from its own blur by, in
levels, without and with the mark. With --unmarked only false alarms are counted: in clips and pictures as they are, in
noise, and in smooth walls, as many of each as a tenth of the others; or, with --copied, in every copy of the clips.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import sample

from facediff.media import VideoReader, VideoWriter
from facediff.media.images import read_image
from facediff.media.pictures import picture_size
from facediff.provenance.watermark import SEARCH_THRESHOLD, THRESHOLD, detect, embed

Frames = list[np.ndarray]
SCREEN = (720, 1280)
SHARE = 0.62  # of a screen's height that the recorded video fills


def coded(frames: Iterable[np.ndarray], **settings) -> Frames:
    frames = list(frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.mp4"
        with VideoWriter(path, (frames[0].shape[1], frames[0].shape[0]), 25, **settings) as writer:
            for frame in frames:
                writer.write(frame)
        return list(VideoReader(path))


def halved(frames: Frames) -> Frames:
    size = (frames[0].shape[1] // 2, frames[0].shape[0] // 2)
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    return coded(small, crf=28, preset="medium")


def cropped(frames: Frames) -> Frames:
    """Without 10 % of each side, unequally at the two ends."""
    height, width = frames[0].shape[:2]
    top, left = round(0.03 * height), round(0.06 * width)
    return coded((f[top : top + round(0.9 * height), left : left + round(0.9 * width)] for f in frames), crf=23)


def upright(frames: Frames) -> Frames:
    """The middle at 9:16, as for a telephone, 1280 pixels tall."""
    height, width = frames[0].shape[:2]
    wide = min(width, round(height * 9 / 16))
    left, top = (width - wide) // 2, (height - min(height, round(wide * 16 / 9))) // 2
    cut = (frame[top : height - top, left : left + wide] for frame in frames)
    return coded((cv2.resize(f, (720, 1280), interpolation=cv2.INTER_CUBIC) for f in cut), crf=23)


def streamed(frames: Frames) -> Frames:
    """VP9 at a height of 480 pixels."""
    height, width = frames[0].shape[:2]
    size = (round(width * 240 / height) * 2, 480)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "v.webm")
        with av.open(path, "w") as container:
            stream = container.add_stream("libvpx-vp9", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.options = {"crf": "33", "b": "0", "deadline": "realtime", "cpu-used": "6"}
            for frame in frames:
                small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if height > 480 else cv2.INTER_CUBIC)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
            container.mux(stream.encode(None))
        return list(VideoReader(path))


def recorded(frames: Frames) -> Frames:
    """A window on a screen with other things on it, recorded; a pointer moves."""
    tall, wide = SCREEN
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    desk = np.stack([60 + 50 * y / tall, 90 + 40 * x / wide, 130 + 30 * np.sin(x / 300)], axis=2).astype(np.uint8)
    for row in range(24):
        cv2.putText(desk, "lorem ipsum dolor sit amet " * 3, (20, 40 + 28 * row), 0, 0.5, (225, 225, 225), 1)
    height, width = frames[0].shape[:2]
    scale = SHARE * min(tall / height, wide / width)
    size = (round(width * scale), round(height * scale))
    top, left = 97, min(411, wide - size[0] - 5)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shots = []
    for k, frame in enumerate(frames):
        shot = desk.copy()
        cv2.rectangle(shot, (left - 4, top - 30), (left + size[0] + 3, top + size[1] + 3), (240, 240, 240), -1)
        shot[top : top + size[1], left : left + size[0]] = cv2.resize(frame, size, interpolation=way)
        cv2.circle(shot, (300 + 6 * k, 500 + k), 6, (255, 255, 255), -1)
        shots.append(shot)
    return coded(shots, crf=23)


COPIES: dict[str, Callable[[Frames], Frames]] = {
    "as written": lambda frames: frames,
    "half size, H.264 at crf 28": halved,
    "cut by 10 %": cropped,
    "cut to 9:16": upright,
    "VP9 at 480p": streamed,
    "recorded from a screen": recorded,
}


def parts(path: Path, length: int, limit: int) -> Iterator[Frames]:
    frames = iter(VideoReader(path))
    for _ in range(limit):
        part = list(islice(frames, length))
        if len(part) < length // 2:
            return
        yield part


def milliseconds(frame: np.ndarray) -> float:
    """Of a core, for one frame of 512x512."""
    square = cv2.resize(frame, (512, 512))
    embed(square)
    started = time.process_time()
    for _ in range(20):
        embed(square)
    return 50 * (time.process_time() - started)


def psnr(marked: Frames, frames: Frames) -> float:
    error = np.mean([cv2.absdiff(a, b).astype(float) ** 2 for a, b in zip(marked, frames, strict=True)])
    return float(10 * np.log10(255**2 / error))


def unevenness(frames: Frames, box: list[int]) -> float:
    """What the mean of the frames deviates from its blur by, in levels: what stands still on a wall."""
    top, bottom, left, right = box
    mean = np.mean([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)[top:bottom, left:right] for f in frames], 0, np.float32)
    return float((mean - cv2.GaussianBlur(mean, (0, 0), 8)).std())


class Tally:
    """Scores of one kind of copy, in shares of the threshold they were held against, and how many reached it."""

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.found = 0

    def add(self, frames: Frames) -> str:
        result = detect(frames)
        self.scores.append(result.score / result.threshold)
        self.found += result.is_found
        return f"{result.score:5.1f}{' ' if result.is_found else '!'}"

    def __str__(self) -> str:
        return f"{self.found} of {len(self.scores)}"


def report(clips: list[Path], length: int, limit: int) -> None:
    marked, plain = {name: Tally() for name in COPIES}, {name: Tally() for name in COPIES}
    quality, took = [], []
    for clip in clips:
        for k, frames in enumerate(parts(clip, length, limit)):
            for name, copy in COPIES.items():
                plain[name].add(copy(frames))
            if k:
                continue
            took.append(milliseconds(frames[0]))
            with_mark = [embed(frame) for frame in frames]
            quality.append(psnr(with_mark, frames))
            written = coded(with_mark)
            said = " ".join(marked[name].add(copy(written)) for name, copy in COPIES.items())
            height, width = frames[0].shape[:2]
            print(f"{clip.stem[:24]:24} {width:4}x{height:<4} {quality[-1]:4.1f} dB {said}", flush=True)
    print("\n| copy | found | least, in thresholds | found unmarked | most, in thresholds |\n|---|---|---|---|---|")
    for name in COPIES:
        least, most = min(marked[name].scores), max(plain[name].scores)
        print(f"| {name} | {marked[name]} | {least:.2f} | {plain[name]} | {most:.2f} |")
    print(f"\nThe threshold is {THRESHOLD:g} deviations, {SEARCH_THRESHOLD:g} where scales and places are searched.")
    print(f"PSNR {np.median(quality):.1f} dB in the median, {min(quality):.1f} at least")
    print(f"{np.median(took):.1f} ms of one core a frame of 512x512")


def drawn(count: int) -> Iterator[Frames]:
    """Noise of several grains and smooth walls with a little of it, of several sizes."""
    rng = np.random.default_rng(0)
    for k in range(count):
        height, width = (int(n) for n in rng.integers(180, 900, 2))
        grain = rng.normal(0, 1, (height // (1 + k % 5) + 1, width // (1 + k % 5) + 1, 3)).astype(np.float32)
        noise = 128 + 40 * cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        yield [np.clip(noise, 0, 255).astype(np.uint8)]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        slope = 90 + 60 * y / height + 40 * x / width
        yield [np.clip(slope[..., None] + rng.normal(0, 0.2 * (k % 8), (height, width, 3)), 0, 255).astype(np.uint8)]


def count_alarms(paths: list[Path], length: int, limit: int) -> None:
    tally = Tally()
    for path in paths:
        is_picture = picture_size(path) is not None
        for frames in [[read_image(path)]] if is_picture else parts(path, length, limit):
            said = tally.add(frames)
            if tally.scores[-1] > 0.7:
                print(f"{path.stem[:24]:24} {said}", flush=True)
    given = len(tally.scores)
    for frames in drawn(given // 10):
        tally.add(frames)
    print(f"found unmarked: {tally} ({given} given, the others drawn), most {max(tally.scores):.2f} thresholds")


def count_alarms_in_copies(clips: list[Path], length: int, limit: int) -> None:
    plain = {name: Tally() for name in COPIES}
    for clip in clips:
        for frames in parts(clip, length, limit):
            said = " ".join(plain[name].add(copy(frames)) for name, copy in COPIES.items())
            print(f"{clip.stem[:24]:24} {said}", flush=True)
    for name, tally in plain.items():
        print(f"{name}: found unmarked {tally}, most {max(tally.scores):.2f} thresholds")
    scores = [score for tally in plain.values() for score in tally.scores]
    found = sum(tally.found for tally in plain.values())
    print(f"found in {found} of {len(scores)} unmarked copies, most {max(scores):.2f} thresholds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--parts", type=int, default=1, help="of each clip, unmarked")
    parser.add_argument("--unmarked", action="store_true", help="count false alarms alone, of clips and pictures")
    parser.add_argument("--copied", action="store_true", help="with --unmarked: in every copy of the clips instead")
    parser.add_argument("--wall", type=Path)
    parser.add_argument("--box", type=int, nargs=4, default=[10, 140, 10, 120])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not options.clips:
            print(sample.NOTE)
            options.clips = sample.clips(Path(folder), 1)
        run = report if not options.unmarked else count_alarms_in_copies if options.copied else count_alarms
        run(options.clips, options.frames, options.parts)
    if options.wall:
        frames = list(islice(VideoReader(options.wall), options.frames))
        without, with_mark = (unevenness(coded(f), options.box) for f in (frames, map(embed, frames)))
        print(f"a smooth wall: {without:.2f} levels without the mark, {with_mark:.2f} with it")


if __name__ == "__main__":
    main()
