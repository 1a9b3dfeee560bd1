"""How heads that are made of speech move beside those of the people who spoke, without a picture.

    python benchmarks/heads.py [--clips CLIP.mp4 ...] [--model base] [--seeds 3] [--minutes 1] [--long 100]

Each clip's speech makes motions, a seed each, which its own face then has: the same size, the same frame. Printed are
THEval's head dynamics, one by one and over all, how near they are to the speaker's (1 - |made - own| / own, which is
THEval's score), and spread and pace of each channel in the geometric mean over clips. ``speed with lips`` is the
correlation of the speeds of head and lips, ``speed with loudness`` that of the head's with the sound. Last come heads
of a live session, which hear nothing, and what a long speech takes. A clip that has a .flac of its name beside it
speaks with that.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sample
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from table import heading, row

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.avatar import Avatar
from facediff.evaluation.lips import loudness
from facediff.evaluation.theval import brow_dynamics, head_dynamics
from facediff.motion import coefficients
from facediff.motion.manner import steady
from facediff.motion.rig import FaceRig, encode_motion
from facediff.pipelines.loading import load_filler, load_motion
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.running_heads import RunningHeads
from facediff.types import FaceTrack, Wave

FPS = coefficients.MOTION_FPS
ANGLES, SHIFT, GAZE = coefficients.ANGLES, coefficients.SHIFT, coefficients.GAZE
SCORES = ("own", "made", "score", "brow score")
CHANNELS = {"yaw": 24, "pitch": 25, "roll": 26, "right": 27, "down": 28, "gaze right": 22, "gaze down": 23}
BANDS_HZ = (0.1, 0.3, 0.6, 1.0, 1.6, 2.5, 4.0, 6.0)  # borders of bands in which the power of angles is told


@dataclass(frozen=True)
class Speaker:
    """A clip of somebody who speaks.

    Attributes:
        name: Of the clip.
        track: Their face.
        wave: Their speech.
        motion: (T, 31) their motion at 25 frames a second, steady.
    """

    name: str
    track: FaceTrack
    wave: Wave
    motion: NDArray[np.float32]

    @classmethod
    def of_track(cls, name: str, track: FaceTrack, wave: Wave) -> Speaker:
        """The speaker of a track, its gaps filled in between."""
        found = np.flatnonzero(track.usable)
        motion = encode_motion(track.points[found])
        at = np.arange(int(len(track) / track.fps * FPS)) / FPS
        columns = [np.interp(at, found / track.fps, column) for column in motion.T]
        return cls(name, track, wave, steady(np.stack(columns, axis=1)))

    def wear(self, motion: NDArray[np.floating]) -> FaceTrack:
        """Their face in their frame, making a motion (T, 31)."""
        points = FaceRig.fit(self.track.points).points(np.asarray(motion, np.float32))
        return FaceTrack(points, np.full(len(points), 2, np.uint8), self.track.size, FPS)


def load_speakers(clips: Sequence[Path]) -> list[Speaker]:
    speakers = []
    for clip in clips:
        sound = clip.with_suffix(".flac") if clip.with_suffix(".flac").is_file() else clip
        speakers.append(Speaker.of_track(clip.stem, Avatar.from_video(clip).track, load_wave(sound)))
    return speakers


def measure_motion(motion: NDArray[np.floating], wave: Wave | None = None) -> dict[str, float]:
    """Spread and pace of each channel of a steady motion (T, 31), powers of its angles, and how it goes with speech."""
    figures = {f"{name} spread": float(motion[:, k].std()) for name, k in CHANNELS.items()}
    figures |= {f"{name} pace": float(np.sqrt(np.square(np.diff(motion[:, k])).mean())) for name, k in CHANNELS.items()}
    angles = motion[:, ANGLES] - motion[:, ANGLES].mean(axis=0)
    power = np.square(np.abs(np.fft.rfft(angles * np.hanning(len(angles))[:, None], axis=0))).mean(axis=1)
    power /= np.square(np.hanning(len(angles))).sum()
    frequency = np.fft.rfftfreq(len(angles), 1 / FPS)
    for low, high in zip(BANDS_HZ[:-1], BANDS_HZ[1:], strict=True):
        inside = (frequency >= low) & (frequency < high)
        if inside.any():
            figures[f"power {low:g} to {high:g} Hz"] = float(power[inside].mean())
    if wave is not None:
        count = min(len(motion), int(len(wave) / SAMPLE_RATE * FPS)) - 1
        speed = np.linalg.norm(np.diff(motion[:, ANGLES], axis=0), axis=1)[:count]
        lips = np.abs(np.diff(motion[:, coefficients.OPENING.start]))[:count]
        figures["speed with lips"] = correlate(speed, lips)
        figures["speed with loudness"] = correlate(speed, loudness(wave, count, FPS))
    return figures


def correlate(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Correlation of two series at 25 frames a second, each smoothed by a Gaussian of two frames."""
    one, other = (gaussian_filter1d(np.asarray(series, np.float64), 2.0) for series in (one, other))
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0


def score(made: float, own: float) -> float:
    return 1 - abs(made - own) / own


def summarise(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Geometric means over clips; of a correlation the mean."""
    table = list(rows)
    return {
        key: float(np.mean([r[key] for r in table if key in r]))
        if "with" in key
        else float(np.exp(np.mean(np.log([max(r[key], 1e-6) for r in table if key in r]))))
        for key in dict.fromkeys(key for r in table for key in r)
    }


def compare(speakers: Sequence[Speaker], model: str, seeds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Prints scores; spread, pace and the like of people and of what is made."""
    talking = load_motion(model, "cpu")
    print(heading("THEval's head dynamics", SCORES))
    rows: list[dict[str, float]] = []
    people: list[dict[str, float]] = []
    made: list[dict[str, float]] = []
    for one in speakers:
        motions = [talking(one.wave, seed=seed) for seed in range(seeds)]
        worn = [one.wear(motion) for motion in motions]
        own, brows = head_dynamics(one.track), brow_dynamics(one.track)
        heads = [head_dynamics(track) or 0.0 for track in worn]
        if own is None or brows is None:
            continue
        figures = {
            "own": own,
            "made": float(np.mean(heads)),
            "score": float(np.mean([score(m, own) for m in heads])),
            "brow score": float(np.mean([score(brow_dynamics(track) or 0.0, brows) for track in worn])),
        }
        rows.append(figures)
        print(row(one.name, figures, SCORES), flush=True)
        people.append(measure_motion(one.motion, one.wave))
        made.extend(measure_motion(motion, one.wave) for motion in motions)
    for name, of in (("mean", np.mean), ("median", np.median)):
        print(row(name, {key: float(of([r[key] for r in rows])) for key in SCORES}, SCORES))
    means = [float(np.mean([r[key] for r in rows])) for key in ("made", "own")]
    print(f"score of the means over clips: {score(*means):.3f}\n")
    return summarise(people), summarise(made)


def run_live(filler: MotionFiller, minutes: float, seeds: int) -> dict[str, float]:
    """Spread and pace of heads that go on and on, in pieces as long as clips are."""
    pieces = []
    for seed in range(seeds):
        heads = RunningHeads(filler, seed=seed)
        made = np.stack([heads.take() for _ in range(int(minutes * 60 * FPS))])
        pieces += [measure_motion(piece) for piece in np.array_split(made, max(1, len(made) // 200))]
    return summarise(pieces)


def run_long(model: str, seconds: float) -> str:
    """What the motion of so long a speech takes, and how its ten-second pieces differ."""
    talking, wave, started = load_motion(model, "cpu"), sample.speech(seconds), time.monotonic()
    angles = talking(wave)[:, ANGLES]
    took, peak = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pieces = np.array_split(angles, max(1, round(seconds / 10)))
    spread = [float(piece.std(axis=0).mean()) for piece in pieces]
    return (
        f"speech of {seconds:g} s in one go: {took:.1f} s, memory at most {peak:.0f} MiB; "
        f"angles of ten seconds deviate by {min(spread):.1f} to {max(spread):.1f} degrees"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--model", default="base")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=1.0, help="of live heads, a seed")
    parser.add_argument("--long", type=float, default=10.0, help="seconds of a speech whose motion is made in one go")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if not args.clips:
            print(sample.NOTE)
            args.clips = sample.clips(Path(scratch), 1)
        people, made = compare(load_speakers(args.clips), args.model, args.seeds)
    live = run_live(load_filler(args.model), args.minutes, args.seeds)
    columns = {"people": people, "made": made, "live": live}
    print(heading("geometric mean over clips", columns))
    for key in people:
        print(row(key, {name: figures.get(key) for name, figures in columns.items()}, columns))
    print(run_long(args.model, args.long))


if __name__ == "__main__":
    main()
