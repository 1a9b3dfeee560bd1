"""What a coarse stage misses of the landmarks it is given, measured and taken off.

A picture whose face is carried to some landmarks is not read as having just these: its shading and its outline stay
those of another pose. What is read instead is off by much the same all through a clip, and else goes with the motion.
So a few frames are made and read, the errors are laid on the motion by ridge regression, and half of what that expects
is taken off the landmarks before the warp.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facediff.conditioning.fadm import attribute_scale
from facediff.landmarks.detection import make_detector
from facediff.landmarks.follower import refine_landmarks
from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, LIPS_INNER, RIGHT_EYE, RIGHT_IRIS
from facediff.motion.coefficients import LOWER_LIDS, UPPER_LIDS
from facediff.rendering.frame import WarpedFrame
from facediff.types import RigidPose

SAMPLES = 24  # frames that are made to be read
RIDGE = 3.0
SHARE = 0.5  # of the error that is taken off: the other half may be the reader's own
LIPS = ((191, 80, 81, 82, 13, 312, 311, 310, 415), tuple(LIPS_INNER[1:10]))
# Pairs, upper and lower, which are moved alike: a mouth or an eye that is to be shut must not turn inside out.
UPPER = np.array([*LIPS[0], *UPPER_LIDS[0], *UPPER_LIDS[1]])
LOWER = np.array([*LIPS[1], *LOWER_LIDS[0], *LOWER_LIDS[1]])


class Correction:
    """By how much landmarks are to be moved, so that they are read where they are wanted.

    Args:
        motion: (K, 31) what was asked for in some frames.
        errors: (K, 478, 3) where landmarks were read there, less where they were wanted, in head units.
    """

    def __init__(self, motion: NDArray[np.floating], errors: NDArray[np.floating]) -> None:
        told = _features(motion)
        ridge = RIDGE * np.eye(told.shape[1])
        ridge[0, 0] = 1e-3 * len(told)  # what is always off is not doubted
        flat = errors.reshape(len(errors), -1).astype(np.float64)
        self._weights = np.linalg.solve(told.T @ told + ridge, told.T @ flat).astype(np.float32)

    def __call__(self, row: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
        """What is to be added to landmarks (478, 3) in pixels, for a motion (31,) and its head pose, one row."""
        expected = (_features(row[None]) @ self._weights).reshape(-1, 3)
        moved: NDArray[np.float32] = -SHARE * pose.scale[0] * (expected @ pose.rotation[0].T)
        moved[:, 2] = 0
        return _paired(moved)


def measure_correction(shots: Iterable[WarpedFrame], motion: NDArray[np.floating]) -> Correction | None:
    """The correction that some shots, as they come without one, are in need of; None where no face is read in them.

    Args:
        shots: One for each row of ``motion``.
        motion: (K, 31).
    """
    rows, errors = [], []
    library = make_detector(None, follows_motion=True, max_faces=1)
    try:
        for row, shot in zip(motion, shots, strict=True):
            _, read = refine_landmarks(library, shot.coarse, shot.points)
            if read is shot.points:
                continue
            off = read - shot.points
            off[:, 2] = 0  # depth is guessed, and a warp has no use for it
            rows.append(row)
            errors.append(off @ shot.pose.rotation[0] / shot.pose.scale[0])
    finally:
        library.close()
    return Correction(np.stack(rows), np.stack(errors)) if rows else None


def choose_samples(count: int) -> NDArray[np.intp]:
    """Which of so many frames are made to be read."""
    return np.unique(np.linspace(0, count - 1, SAMPLES).round().astype(np.intp))


def _features(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """(K, 32) one, and a motion (K, 31) in its usual deviations."""
    return np.concatenate([np.ones((len(motion), 1)), motion / attribute_scale().numpy()], axis=1, dtype=np.float32)


def _paired(moved: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same (478, 3), with lips and lids moved as pairs, and each iris with its eye."""
    moved[UPPER] = moved[LOWER] = (moved[UPPER] + moved[LOWER]) / 2
    for iris, eye in ((RIGHT_IRIS, RIGHT_EYE), (LEFT_IRIS, LEFT_EYE)):
        moved[iris] = moved[eye].mean(axis=0)
    return moved
