"""Lips as pictures: where a denoiser is told to put them, exact to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.masks import region
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER

LIP_MAPS = 2


def draw_lips(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Two maps (2, H/2, W/2), 0 or 255 with soft edges: inside the outer lip line, and inside the inner one.

    Args:
        points: Landmarks (478, 2 or 3) in pixels of the crop.
        size: Width and height of the crop; the maps have half of each.
    """
    half = (size[0] // 2, size[1] // 2)
    small = (np.asarray(points)[:, :2] + 0.5) / 2 - 0.5
    maps = [region(small[line], half, 1.0) for line in (LIPS_OUTER, LIPS_INNER)]
    return (np.stack(maps) * 255).astype(np.uint8)
