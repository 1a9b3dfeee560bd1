"""THEval's five measures that need no network of their own: how lips, head and brows move, and lips with the sound.

What counts is not the figure but how near it is to that of real speakers: ``theval_score``. Landmarks are those of the
face mesh, as theirs; the head's angles are fitted to them, where they take FaceXFormer, and silence is told by
loudness, where they take Silero's detector. So figures are near theirs, and not theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from facediff.evaluation.faces import LEAST_FRAMES, eye_distance
from facediff.evaluation.lips import QUIET, loudness
from facediff.evaluation.registry import Best, Need, metric
from facediff.landmarks.mesh import LEFT_BROW, LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_BROW, RIGHT_EYE
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack, Wave

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

SOURCE = "THEval (CVPR 2026 Findings)"
SILENCE_S = 0.3  # of quiet in one piece that count as silence
UPPER = np.array([191, 80, 81, 82, 13, 312, 311, 310])
LOWER = np.array([95, 88, 178, 87, 14, 317, 402, 318])


def lip_dynamics(track: FaceTrack) -> float | None:
    """Mean variance over time of all distances between 40 points of the lips, in eye distances; None for few frames."""
    points = track.points[track.seen][..., :2]
    if len(points) < LEAST_FRAMES:
        return None
    lips = np.concatenate([LIPS_OUTER, LIPS_INNER])
    apart = np.stack([pdist(row[lips]) for row in points]) / eye_distance(points)[:, None]
    return float(apart.var(axis=0).mean())


def head_dynamics(track: FaceTrack) -> float | None:
    """How much and how unevenly the head moves; None where a face is hardly seen.

    sqrt(mean σ(angle) · mean Var(Δangle) + mean Var(place)), angles in degrees; places are those of the face's middle
    at 256 pixels of the frame's height, so that sizes of films do not count.
    """
    points = track.points[track.seen]
    if len(points) < LEAST_FRAMES:
        return None
    angles = encode_motion(points)[:, coefficients.ANGLES]
    place = points[..., :2].mean(axis=1) * (256 / track.size[1])
    turns = angles.std(axis=0).mean() * np.diff(angles, axis=0).var(axis=0).mean()
    return float(np.sqrt(turns + place.var(axis=0).mean()))


def brow_dynamics(track: FaceTrack) -> float | None:
    """Mean change from frame to frame of the distance of brow and eye, over that of the eyes; None for few frames."""
    points = track.points[track.seen][..., :2]
    if len(points) < LEAST_FRAMES:
        return None
    right, left = (points[:, eye].mean(axis=1) for eye in (RIGHT_EYE, LEFT_EYE))
    scale = np.linalg.norm(right - left, axis=1)
    heights = [
        np.linalg.norm(points[:, brow].mean(axis=1) - eye, axis=1) / scale
        for brow, eye in ((RIGHT_BROW, right), (LEFT_BROW, left))
    ]
    return float(np.abs(np.diff(heights, axis=1)).mean())


def openness(track: FaceTrack) -> NDArray[np.float64]:
    """Mean vertical gap (T,) of eight pairs of inner lip points, in eye distances; NaN where no face is found."""
    gaps = np.abs(track.points[:, UPPER, 1] - track.points[:, LOWER, 1]).mean(axis=1)
    return np.where(track.seen, gaps / eye_distance(track.points[..., :2]), np.nan)


def silent(wave: Wave, frames: int, fps: float) -> NDArray[np.bool_]:
    """(T,) which frames lie in a silence of 0.3 s at least."""
    quiet = loudness(wave, frames, fps) < QUIET
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
    found = np.zeros(frames, bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        found[start:stop] = stop - start >= SILENCE_S * fps
    return found


def silent_lips(track: FaceTrack, wave: Wave) -> float | None:
    """Median distance of the lips' opening in silence from its mean there, in eye distances; None without silence."""
    gaps = openness(track)[silent(wave, len(track), track.fps)]
    gaps = gaps[np.isfinite(gaps)]
    return float(np.median(np.abs(gaps - gaps.mean()))) if len(gaps) >= 2 else None


def lip_sync(track: FaceTrack, wave: Wave) -> float | None:
    """Mean distance of the lips' opening and the sound's level (RMS), each from 0 to 1 over the frames of speech."""
    edges = (np.arange(len(track) + 1) * (16000 / track.fps)).astype(int)
    level = np.array([np.sqrt(np.mean(np.square(wave[a:b]))) if b <= len(wave) else np.nan
                      for a, b in zip(edges[:-1], edges[1:], strict=True)])  # fmt: skip
    gaps = openness(track)
    spoken = ~silent(wave, len(track), track.fps) & np.isfinite(gaps) & np.isfinite(level)
    if spoken.sum() < LEAST_FRAMES or spoken.mean() < 0.1:
        return None
    first, second = ((s - s.min()) / (np.ptp(s) + 1e-8) for s in (gaps[spoken], level[spoken]))
    return float(np.abs(first - second).mean())


@metric("theval_lips", best=Best.TRUE)
def _lips(case: Case) -> float | None:
    """THEval's lip dynamics.

    Formula: mean over all pairs of 40 lip points of the variance over time of their distance, in eye distances
    Source: THEval (CVPR 2026 Findings), as its code has it
    Range: 0 and more; the real speaker's is best
    """
    return lip_dynamics(case.track)


@metric("theval_head", best=Best.TRUE)
def _head(case: Case) -> float | None:
    """THEval's head motion dynamics, of angles and places fitted to our landmarks.

    Formula: sqrt(mean σ(angle) · mean Var(Δangle) + mean Var(place)), degrees, and pixels of a frame 256 high
    Source: THEval; it takes FaceXFormer's angles and pixels as they are
    Range: 0 and more; the real speaker's is best
    """
    return head_dynamics(case.track)


@metric("theval_brows", best=Best.TRUE)
def _brows(case: Case) -> float | None:
    """THEval's eyebrow dynamics.

    Formula: mean |d_t - d_(t-1)| of the distance of each brow's middle from its eye's, over that of the eyes
    Source: THEval
    Range: 0 and more; the real speaker's is best
    """
    return brow_dynamics(case.track)


@metric("theval_silence", best=Best.TRUE, needs=Need.SPEECH)
def _silence(case: Case) -> float | None:
    """THEval's silent lip stability, silence told by loudness.

    Formula: median |gap - mean gap| over frames in silences of 0.3 s and more, in eye distances
    Source: THEval; it takes Silero's detector of speech
    Range: 0 and more; the real speaker's is best
    """
    return None if case.wave is None else silent_lips(case.track, case.wave)


@metric("theval_sync", best=Best.TRUE, needs=Need.SPEECH)
def _sync(case: Case) -> float | None:
    """THEval's lip sync.

    Formula: mean |opening* - RMS*| in speech, each brought to [0, 1] there
    Source: THEval
    Range: 0 to 1; the real speaker's is best
    """
    return None if case.wave is None else lip_sync(case.track, case.wave)


@metric("theval_score", best=Best.HIGH, needs=Need.TRUTH)
def _score(case: Case) -> float | None:
    """How near those five are to the truth's, as a mean.

    Formula: mean of 1 - |m - GT| / |GT|, over those that both have
    Source: THEval, equation 12, over five of its eight and per clip instead of over all real ones
    Range: up to 1; below 0 where a figure is more than twice the truth's
    """
    scores = []
    for measure in (_lips, _head, _brows, _silence, _sync):
        made, true = case.once(measure), case.against().once(measure)
        if made is not None and true:
            scores.append(1 - abs(made - true) / abs(true))
    return float(np.mean(scores)) if scores else None
