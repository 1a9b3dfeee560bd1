"""Lips and eyes as pictures: where a denoiser is told to put them, exact to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, LIPS_INNER, LIPS_OUTER, RIGHT_EYE, RIGHT_IRIS

LIP_MAPS, FACE_MAPS = 2, 4
LIP_STEP, FACE_STEP = 2, 4  # pixels of the crop to a pixel of a map
FINENESS = 4  # drawn so much finer, along each side, and averaged


def draw_lips(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Two maps (2, H/2, W/2), 0 to 255: how much of each pixel lies inside the outer lip line, and the inner one.

    Args:
        points: Landmarks (478, 2 or 3) in pixels of the crop.
        size: Width and height of the crop; the maps have half of each.
    """
    return np.stack([_draw_coverage(points, (line,), size, LIP_STEP) for line in (LIPS_OUTER, LIPS_INNER)])


def draw_face(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Four maps (4, H/4, W/4), 0 to 255: outer lips, inner lips, what the lids leave open, and the irises in it.

    Args:
        points: Landmarks (478, 2 or 3) in pixels of the crop.
        size: Width and height of the crop; the maps have a quarter of each.
    """
    lips = [_draw_coverage(points, (line,), size, FACE_STEP) for line in (LIPS_OUTER, LIPS_INNER)]
    open_eyes = _draw_coverage(points, (RIGHT_EYE, LEFT_EYE), size, FACE_STEP)
    irises = _draw_coverage(points, (RIGHT_IRIS[1:], LEFT_IRIS[1:]), size, FACE_STEP)
    return np.stack([*lips, open_eyes, np.minimum(irises, open_eyes)])


def _draw_coverage(
    points: NDArray[np.floating], lines: tuple[NDArray[np.integer], ...], size: tuple[int, int], step: int
) -> NDArray[np.uint8]:
    """How much of each pixel of a map lies inside one of the lines, 0 to 255."""
    width, height = size[0] // step, size[1] // step
    fine = (np.asarray(points)[:, :2] + 0.5) * (FINENESS / step) - 0.5
    filled = np.zeros((height * FINENESS, width * FINENESS), np.uint8)
    for line in lines:
        cv2.fillPoly(filled, [np.rint(fine[line] * 16).astype(np.int32)], 255, shift=4)
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_AREA)
