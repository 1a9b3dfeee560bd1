"""What frames between frames are worth: every other frame of a clip is left out, and made again.

    python benchmarks/rates.py [--clips CLIP.mp4 ...] [--frames 60]

PSNR in dB of the frames made, in the mean: between by optical flow, as --fps makes them, beside the mean of both
neighbours, and the one before, repeated. Moments at which nothing moves, two neighbours nearer than 50 dB, count not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import sample
import table

from facediff.evaluation.fidelity import psnr
from facediff.media import VideoReader
from facediff.rendering.interpolation import Between

KEYS = ("between", "blended", "repeated", "seconds")
SAME_DB = 50.0


def measure(path: Path, count: int) -> dict[str, float]:
    """Means over the frames left out of a clip, and the time that one takes; nothing where nothing moves."""
    frames = list(islice(VideoReader(path), count))
    rows = []
    for one, truth, other in zip(frames[::2], frames[1::2], frames[2::2], strict=False):
        if psnr(one, other) > SAME_DB:
            continue
        started = time.perf_counter()
        made = Between(one, other).at(0.5)
        seconds = time.perf_counter() - started
        blended = np.rint((one.astype(np.float32) + other) / 2).astype(np.uint8)
        rows.append((psnr(made, truth), psnr(blended, truth), psnr(one, truth), seconds))
    return dict(zip(KEYS, np.mean(rows, axis=0).tolist(), strict=True)) if rows else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--frames", type=int, default=60, help="of each clip")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not args.clips:
            print(sample.NOTE)
            args.clips = sample.clips(Path(folder), 1, 1.0)
        print(table.heading("clip", KEYS))
        found = []
        for path in args.clips:
            found.append(measure(path, args.frames))
            print(table.row(path.name, found[-1], KEYS))
    known = [one for one in found if one]
    means = {key: float(np.mean([one[key] for one in known])) for key in KEYS} if known else {}
    print(table.row("mean of the clips", means, KEYS))


if __name__ == "__main__":
    main()
