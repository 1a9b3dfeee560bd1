"""What a coarse stage misses of the landmarks it is given, measured and taken off.

A picture whose face is carried to some landmarks is not read as having just these: its shading and its outline stay
those of another pose. What is read instead is off by much the same all through a clip, and else goes with the motion.
So a few frames are made and read, the errors are laid on the motion by ridge regression, and half of what that expects
is taken off the landmarks before the warp.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.conditioning.fadm import attribute_scale
from facediff.landmarks.detection import make_detector
from facediff.landmarks.follower import refine_landmarks
from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, LIPS_INNER, RIGHT_EYE, RIGHT_IRIS
from facediff.motion.coefficients import LOWER_LIDS, UPPER_LIDS
from facediff.rendering.frame import WarpedFrame
from facediff.types import RigidPose

LIPS = ((191, 80, 81, 82, 13, 312, 311, 310, 415), tuple(LIPS_INNER[1:10]))
# Pairs, upper and lower, which are moved alike: a mouth or an eye that is to be shut must not turn inside out.
UPPER = np.array([*LIPS[0], *UPPER_LIDS[0], *UPPER_LIDS[1]])
LOWER = np.array([*LIPS[1], *LOWER_LIDS[0], *LOWER_LIDS[1]])


@dataclass(frozen=True)
class CorrectionStyle:
    """How what a warp misses is measured and taken off.

    ``share`` and ``ridge`` were chosen on training clips driven by themselves; a share of 1 overshoots, since half of
    the error is the reader's own.

    Attributes:
        samples: Frames that are made to be read.
        ridge: How much is doubted that an error goes with the motion.
        share: Of the error that is taken off.
    """

    samples: int = 24
    ridge: float = 3.0
    share: float = 0.5


class Correction:
    """By how much landmarks are to be moved, so that they are read where they are wanted.

    Args:
        motion: (K, 31) what was asked for in some frames.
        errors: (K, 478, 3) where landmarks were read there, less where they were wanted, in head units.
        style: How much of it is believed.
    """

    def __init__(
        self, motion: NDArray[np.floating], errors: NDArray[np.floating], style: CorrectionStyle = CorrectionStyle()
    ) -> None:
        self._share = style.share
        told = _describe(motion)
        ridge = style.ridge * np.eye(told.shape[1])
        ridge[0, 0] = 1e-3 * len(told)  # what is always off is not doubted
        flat = errors.reshape(len(errors), -1).astype(np.float64)
        self._weights = np.linalg.solve(told.T @ told + ridge, told.T @ flat).astype(np.float32)

    def __call__(self, row: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
        """What is to be added to landmarks (478, 3) in pixels, for a motion (31,) and its head pose, one row."""
        expected = (_describe(row[None]) @ self._weights).reshape(-1, 3)
        moved: NDArray[np.float32] = -self._share * pose.scale[0] * (expected @ pose.rotation[0].T)
        moved[:, 2] = 0
        return _move_in_pairs(moved)


def measure_correction(frames: Iterable[WarpedFrame], motion: NDArray[np.floating]) -> Correction | None:
    """The correction that some frames, as they come without one, are in need of; None where no face is read in them.

    Args:
        frames: One for each row of ``motion``.
        motion: (K, 31).
    """
    rows, errors = [], []
    library = make_detector(None, follows_motion=True, max_faces=1)
    try:
        for row, frame in zip(motion, frames, strict=True):
            face = frame.face
            if face is None:
                continue
            _, read = refine_landmarks(library, frame.picture, face.points)
            if read is face.points:
                continue
            off = read - face.points
            off[:, 2] = 0  # depth is guessed, and a warp has no use for it
            rows.append(row)
            errors.append(off @ face.pose.rotation[0] / face.pose.scale[0])
    finally:
        library.close()
    return Correction(np.stack(rows), np.stack(errors)) if rows else None


def choose_samples(count: int) -> NDArray[np.intp]:
    """Which of so many frames are made to be read."""
    return np.unique(np.linspace(0, count - 1, CorrectionStyle.samples).round().astype(np.intp))


def _describe(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """(K, 32) one, and a motion (K, 31) in its usual deviations."""
    return np.concatenate([np.ones((len(motion), 1)), motion / attribute_scale()], axis=1, dtype=np.float32)


def _move_in_pairs(moved: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same (478, 3), with lips and lids moved as pairs, and each iris with its eye."""
    moved[UPPER] = moved[LOWER] = (moved[UPPER] + moved[LOWER]) / 2
    for iris, eye in ((RIGHT_IRIS, RIGHT_EYE), (LEFT_IRIS, LEFT_EYE)):
        moved[iris] = moved[eye].mean(axis=0)
    return moved
