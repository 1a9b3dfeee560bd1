"""The motion of a long speech by each of the ways of ``--long``, beside that in one go, without a picture.

    python benchmarks/long.py [--seconds 100] [--seeds 2] [--speech S.flac ...] [--ways merge ...]

Each way runs in a process of its own, whose memory at most is told. ``seams`` is the second difference of motion where
windows meet, at the two frames on both sides, over that elsewhere, in the mean over windows, seeds and channels of the
head, or of brows and gaze; in one go there are none. Spread and pace of angles and places are over those in one go, and
so is the power of angles; ``lips`` is the least correlation of a lip channel with that in one go.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import sample
from numpy.typing import NDArray
from table import heading, row

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.diffusion.windows import Plan
from facediff.motion import coefficients
from facediff.pipelines.loading import load_motion
from facediff.pipelines.long_motion import WAYS, HeadWindows, LongMotionSampler
from facediff.types import Wave

HEAD = slice(coefficients.ANGLES.start, coefficients.SHIFT.stop)
LOOKS = slice(coefficients.BROWS.start, coefficients.GAZE.stop)
MOUTH = [*range(*coefficients.LIPS.indices(99)), *range(*coefficients.OPENING.indices(99))]
BANDS_HZ = (0.1, 0.3, 0.6, 1.0, 1.6, 2.5, 4.0)
FIGURES = ("seams", "seams of looks", "spread", "pace", "lips", "seconds", "MiB")


def speak(seconds: float, speeches: list[Path]) -> Wave:
    """So many seconds of these, one after the other, again and again."""
    if not speeches:
        return sample.speech(seconds)
    return np.resize(np.concatenate([load_wave(path) for path in speeches]), int(seconds * SAMPLE_RATE))


def run(way: str, wave: Wave, seeds: int) -> tuple[list[NDArray[np.float32]], float, float, Plan | None]:
    """Motions, a seed each, seconds for one, the most memory in MiB, and the plan of windows."""
    sampler, plan = load_motion("base", "cpu"), None
    sampler(wave[: 2 * SAMPLE_RATE])  # what is loaded at first use is not counted
    if way != "whole":
        sampler = LongMotionSampler(sampler, HeadWindows(way=way))
    started = time.monotonic()
    made = [sampler(wave, seed=seed) for seed in range(seeds)]
    took = (time.monotonic() - started) / seeds
    if way != "whole":
        plan = HeadWindows(way=way).plan(len(made[0]))
    return made, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, plan


def find_joins(plan: Plan) -> NDArray[np.int64]:
    """Frames at which a window begins."""
    starts = {window.made[0] for windows in plan.rounds for window in windows} - {min(plan.rounds[0][0].made)}
    return np.array(sorted(starts))


def measure_seams(motion: NDArray[np.floating], joins: NDArray[np.int64]) -> float:
    """Second differences around joins over those elsewhere."""
    bends = np.abs(np.diff(motion, n=2, axis=0))  # row k is of frame k + 1
    at = np.unique(np.clip(np.concatenate([joins - 2, joins - 1]), 0, len(bends) - 1))
    elsewhere = np.setdiff1d(np.arange(2, len(bends)), at)
    return float(np.mean(bends[at].mean(axis=0) / bends[elsewhere].mean(axis=0)))


def measure_power(motion: NDArray[np.floating]) -> NDArray[np.float64]:
    angles = motion[:, coefficients.ANGLES] - motion[:, coefficients.ANGLES].mean(axis=0)
    power = np.square(np.abs(np.fft.rfft(angles * np.hanning(len(angles))[:, None], axis=0))).mean(axis=1)
    frequency = np.fft.rfftfreq(len(angles), 1 / coefficients.MOTION_FPS)
    return np.array([power[(frequency >= a) & (frequency < b)].mean() for a, b in itertools.pairwise(BANDS_HZ)])


def compare(made: list[NDArray[np.float32]], whole: list[NDArray[np.float32]], plan: Plan | None) -> dict[str, float]:
    figures = {}
    if plan is not None:
        joins = find_joins(plan)
        figures["seams"] = float(np.mean([measure_seams(m[:, HEAD], joins) for m in made]))
        figures["seams of looks"] = float(np.mean([measure_seams(m[:, LOOKS], joins) for m in made]))
    for name, of in (("spread", lambda m: m), ("pace", lambda m: np.diff(m, axis=0))):
        ratios = [
            np.log(of(m[:, HEAD]).std(axis=0) / of(w[:, HEAD]).std(axis=0)) for m, w in zip(made, whole, strict=True)
        ]
        figures[name] = float(np.exp(np.mean(ratios)))
    figures["lips"] = min(
        float(np.corrcoef(m[:, k], w[:, k])[0, 1]) for m, w in zip(made, whole, strict=True) for k in MOUTH
    )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--speech", type=Path, nargs="*", default=[], help="one after the other")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=WAYS)
    args = parser.parse_args()
    wave = speak(args.seconds, args.speech)
    print(heading(f"motion of {args.seconds:g} s", FIGURES))
    powers, whole = {}, []
    for way in ("whole", *args.ways):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            made, seconds, memory, plan = pool.apply(run, (way, wave, args.seeds))
        whole = whole or made
        print(row(way, {**compare(made, whole, plan), "seconds": seconds, "MiB": memory}, FIGURES), flush=True)
        powers[way] = np.exp(np.mean([np.log(measure_power(m)) for m in made], axis=0))
    print("\npower of angles over that in one go, from " + ", ".join(f"{low:g}" for low in BANDS_HZ[:-1]) + " Hz on")
    for way in args.ways:
        print(f"{way:12s}", np.round(powers[way] / powers["whole"], 2).tolist())


if __name__ == "__main__":
    main()
