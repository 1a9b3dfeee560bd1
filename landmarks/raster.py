"""Lips as pictures: where a denoiser is told to put them, exact to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER

LIP_MAPS = 2
FINENESS = 4  # drawn so much finer, along each side, and averaged


def draw_lips(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Two maps (2, H/2, W/2), 0 to 255: how much of each pixel lies inside the outer lip line, and the inner one.

    Args:
        points: Landmarks (478, 2 or 3) in pixels of the crop.
        size: Width and height of the crop; the maps have half of each.
    """
    fine = (np.asarray(points)[:, :2] + 0.5) * (FINENESS / 2) - 0.5
    maps = []
    for line in (LIPS_OUTER, LIPS_INNER):
        filled = np.zeros((size[1] // 2 * FINENESS, size[0] // 2 * FINENESS), np.uint8)
        cv2.fillPoly(filled, [np.rint(fine[line] * 16).astype(np.int32)], 255, shift=4)
        maps.append(cv2.resize(filled, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA))
    return np.stack(maps)
