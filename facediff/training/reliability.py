"""How far the sound of each training clip goes with its lips: told by a model that has not seen the person.

Sound of films from the web lies a frame beside the picture in some clips, is another voice's in others, and does not
tell much of some mouths. Such clips draw what is learnt from all towards the mean, so each is moved to where it goes
best, by a frame at most, and weighs as much as it goes then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from facediff.motion import coefficients
from facediff.training.motion_recording import MotionRecording, weigh_people

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReliabilityStyle:
    """What is asked of a clip.

    Fit by: correlation of the mouth's opening with the truth's, by ridge regression, mean over people. Seen on: three
    partitions of 41 training people in five folds; of each fold's training people only. Gained by weights alone: 0.000
    to 0.004 in the mean and 0.006 to 0.024 in the median; by both 0.002 to 0.008 and 0.025 to 0.035. Range tried: moved
    by 1 and 2 frames; weights to the power of 1, 2 and 3, by clip and by person.

    Attributes:
        folds: Into which people are parted, each foretold by what the others teach.
        penalty: Of the ridge regression.
        taps: Frames that it sees.
        moved: Frames by which a sound may be moved, at most.
        gained: Correlation that must be gained by moving.
        least: Weight of a clip whose sound tells nothing of its lips.
    """

    folds: int = 4
    penalty: float = 1.0
    taps: int = 5
    moved: int = 1
    gained: float = 0.02
    least: float = 0.05


def weigh_recordings(
    clips: Sequence[MotionRecording],
    sounds: Sequence[Tensor | None],
    power: float,
    style: ReliabilityStyle = ReliabilityStyle(),
) -> list[MotionRecording]:
    """The clips, each moved to where it goes with its sound, with its ``weight``; those without sound as they are.

    Args:
        clips: Of several people.
        sounds: Of each clip, the speech features (F, T), or None.
        power: People weigh as their footage to it.
        style: What is asked of a clip.
    """
    spoken = [k for k, sound in enumerate(sounds) if sound is not None]
    people = sorted({clips[k].identity for k in spoken})
    of_person = dict(zip(spoken, weigh_people([clips[k] for k in spoken], power), strict=True))
    if len(people) < 2:
        return list(clips)
    fold = {person: number % style.folds for number, person in enumerate(people)}
    rows = {k: _stack(sounds[k], style.taps) for k in spoken}
    truth = {k: clips[k].motion[:, coefficients.OPENING][:, 0].astype(np.float64) for k in spoken}
    out = list(clips)
    for left in range(min(style.folds, len(people))):
        taught = [k for k in spoken if fold[clips[k].identity] != left]
        solved = _solve(taught, rows, truth, of_person, style.penalty)
        for k in (k for k in spoken if fold[clips[k].identity] == left):
            foretold = rows[k] @ solved
            found = {by: _correlate(foretold, truth[k], by) for by in range(-style.moved, style.moved + 1)}
            best = max(found, key=lambda by: found[by] - (style.gained if by else 0.0))
            motion = clips[k].motion[_moved(len(truth[k]), best)]
            out[k] = replace(clips[k], motion=motion, weight=max(found[best], style.least))
    told = [out[k].weight for k in spoken]
    log.info("%d clips go with their sound by %.2f in the median, %.2f at least", len(told), np.median(told), min(told))
    return out


def _stack(sound: Tensor | None, taps: int) -> NDArray[np.float64]:
    """Features (T, F * taps) of each frame and of those beside it."""
    assert sound is not None
    padded = np.pad(sound.float().numpy().T.astype(np.float64), ((taps // 2, taps // 2), (0, 0)))
    return np.concatenate([padded[k : k + sound.shape[1]] for k in range(taps)], axis=1)


def _solve(
    taught: Sequence[int],
    rows: Mapping[int, NDArray[np.float64]],
    truth: Mapping[int, NDArray[np.float64]],
    weights: Mapping[int, float],
    penalty: float,
) -> NDArray[np.float64]:
    """The ridge regression (F,) from features to what is true of some clips, about its own mean in each."""
    square, cross, total = np.zeros(()), np.zeros(()), 0.0
    for k in taught:
        square = square + weights[k] * rows[k].T @ rows[k]
        cross = cross + weights[k] * rows[k].T @ (truth[k] - truth[k].mean())
        total += weights[k] * len(rows[k])
    return np.linalg.solve(square + penalty * total * np.eye(len(square)), cross)


def _moved(frames: int, by: int) -> NDArray[np.intp]:
    """Rows that stand in the place of each when a motion comes so many frames sooner; its ends stay."""
    return np.clip(np.arange(frames) + by, 0, frames - 1)


def _correlate(one: NDArray[np.floating], other: NDArray[np.floating], by: int) -> float:
    """Correlation of two curves (T,), the other so many frames sooner; 0 where one is flat."""
    a, b = one - one.mean(), other[_moved(len(other), by)]
    b = b - b.mean()
    return float((a @ b) / max(np.sqrt((a @ a) * (b @ b)), 1e-9))
