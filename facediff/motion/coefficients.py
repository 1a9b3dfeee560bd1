"""What moves in a face, free of whose face it is.

A motion is (T, 31) float32: coefficients of the lower face (lips, jaw, cheeks), of the brows, closure of the lids,
gaze, and head pose. It is added to a person's neutral geometry (``facediff.motion.rig``), so the shape of the face
stays the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.landmarks.mesh import (
    LEFT_EYE,
    LEFT_IRIS,
    LEFT_LIDS,
    LIP_PAIRS,
    RIGHT_EYE,
    RIGHT_IRIS,
    RIGHT_LIDS,
)

LIPS = slice(0, 16)  # coefficients of the lower face, each of unit deviation over the training clips
BROWS = slice(16, 20)
LIDS = slice(20, 22)  # subject's right and left: 0 as open as usual, 1 shut
GAZE = slice(22, 24)  # iris offset in eye widths, right and down
ANGLES = slice(
    24, 27
)  # degrees from the usual pose about the axes y, x and z: positive turns the nose left, down, clockwise
SHIFT = slice(27, 30)  # head translation, x, y in eye distances, and log of the size, from the usual
OPENING = slice(30, 31)  # opening of the inner lips in eye distances, redundant with LIPS; 0 is closed
DIMENSIONS = 31
FOLD_FOLLOWS = 0.45  # share of the way from the upper to the lower lid
SHUT_FROM, SHUT_AT = 0.6, 0.85  # closures between which a lid hurries shut: a thin slit of eye is a jagged line
MOTION_FPS = 25

EYES = ((RIGHT_EYE, RIGHT_LIDS, RIGHT_IRIS, (33, 133)), (LEFT_EYE, LEFT_LIDS, LEFT_IRIS, (362, 263)))
# Upper-lid points of each eye, corners excluded, and the lower-lid points below them.
UPPER_LIDS = ((173, 157, 158, 159, 160, 161, 246), (398, 384, 385, 386, 387, 388, 466))
# Skin over each upper-lid point, which follows it part of the way down, so that lashes do not smear.
LID_FOLDS = ((190, 56, 28, 27, 29, 30, 247), (414, 286, 258, 257, 259, 260, 467))
LOWER_LIDS = ((155, 154, 153, 145, 144, 163, 7), (382, 381, 380, 374, 373, 390, 249))


@dataclass(frozen=True)
class MotionBasis:
    """Directions in canonical space.

    Attributes:
        lips: (16, 478, 3), lower face; ``brows`` (4, 478, 3).
        opening: (478, 3): how the face changes as the lips part by one eye distance.
        lower: (478,) in [0, 1]: how much of a point belongs to the lower face.
    """

    lips: NDArray[np.float32]
    brows: NDArray[np.float32]
    opening: NDArray[np.float32]
    lower: NDArray[np.float32]


@cache
def basis() -> MotionBasis:
    """The basis fitted on the training clips."""
    with as_file(files("facediff.motion") / "motion_basis.safetensors") as path:
        return MotionBasis(**load_file(path))


def lip_opening(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean gap (T,) between the inner lips, in the unit of the landmarks (T, 478, 3)."""
    gaps = [np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in LIP_PAIRS]
    return np.mean(gaps, axis=0)


def most_telling(motion: NDArray[np.floating], tells: NDArray[np.floating]) -> int:
    """The frame of a motion (T, 31) that tells most (T,), and shows no blink, unless eyes are shut as often as open."""
    is_awake = motion[:, LIDS].max(axis=1) < 0.3  # of the way to shut
    return int(np.argmax(np.where(is_awake, tells, -np.inf) if is_awake.mean() > 0.5 else tells))


def resample(
    motion: NDArray[np.floating], motion_fps: float | Fraction, fps: float | Fraction, frames: int
) -> NDArray[np.float32]:
    """A motion (T, D) read at the times of so many frames of another rate; linear in between, held after its end."""
    at = np.arange(frames) * float(Fraction(motion_fps) / Fraction(fps))
    low = np.minimum(np.floor(at).astype(int), len(motion) - 1)
    high = np.minimum(low + 1, len(motion) - 1)
    share = (at - np.floor(at))[:, None]
    return (motion[low] * (1 - share) + motion[high] * share).astype(np.float32)


def lip_channels(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """Lips and opening (17, T) of a motion (T, 31), about their mean, scaled so that everybody opens alike."""
    lips = motion[:, [*range(LIPS.start, LIPS.stop), OPENING.start]].astype(np.float32)
    lips = lips - lips.mean(axis=0)
    opening = lips[:, -1].std() + 1e-4
    lips[:, :-1] *= np.clip(0.05 / opening, 0.4, 2.5)
    lips[:, -1] /= opening
    return np.ascontiguousarray(lips.T)


def close_lids(canonical: NDArray[np.float32], closure: NDArray[np.floating]) -> NDArray[np.float32]:
    """Landmarks with the upper lids moved towards the lower ones: ``closure`` (T, 2), 1 is shut."""
    out = canonical.copy()
    for side in range(2):
        upper, fold, lower = list(UPPER_LIDS[side]), list(LID_FOLDS[side]), list(LOWER_LIDS[side])
        share = np.interp(closure[:, side], (-0.3, SHUT_FROM, SHUT_AT), (-0.3, SHUT_FROM, 1.0))[:, None, None]
        drop = share * (canonical[:, lower] - canonical[:, upper])
        out[:, upper] += drop
        out[:, fold] += FOLD_FOLLOWS * drop
    return out


def look(canonical: NDArray[np.float32], gaze: NDArray[np.floating]) -> NDArray[np.float32]:
    """Landmarks with the irises moved by ``gaze`` (T, 2), in eye widths."""
    out = canonical.copy()
    for _, _, iris, (a, b) in EYES:
        width = np.linalg.norm(canonical[:, a] - canonical[:, b], axis=-1)[:, None]
        out[:, iris, :2] += (gaze * width)[:, None]
    return out


def read_gaze(canonical: NDArray[np.floating]) -> NDArray[np.floating]:
    """Where irises (T, 2) of canonical faces (T, 478, 3) are, in eye widths from the middle of the eye."""
    offsets = []
    for _, _, iris, (a, b) in EYES:
        width = np.linalg.norm(canonical[:, a] - canonical[:, b], axis=-1)[:, None]
        offsets.append((canonical[:, iris[0], :2] - (canonical[:, a, :2] + canonical[:, b, :2]) / 2) / width)
    return np.mean(offsets, axis=0)
