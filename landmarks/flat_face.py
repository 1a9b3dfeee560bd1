"""A face laid flat: every picture of one carried to the same landmarks, so that pixel by pixel they can be compared."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import FACE, CropTemplate
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.warp import MeshWarp

FLAT = CropTemplate(
    size=(2 * FACE.size[0], 2 * FACE.size[1]),
    unit_px=2 * FACE.unit_px,
    anchor=FACE.anchor,
    anchor_px=(2 * FACE.anchor_px[0], 2 * FACE.anchor_px[1]),
)


@cache
def flat_points() -> NDArray[np.float32]:
    """Landmarks (478, 3) of the mean face, in pixels of ``FLAT``; symmetric about its middle."""
    face = (mean_face() - np.array([*FLAT.anchor[:2], 0], np.float32)) * FLAT.unit_px
    points = (face + np.array([*FLAT.anchor_px, 0])).astype(np.float32)
    points.setflags(write=False)
    return points


def flatten_face(window: NDArray, points: NDArray[np.floating]) -> NDArray:
    """A window (H, W, 3) aligned to ``FLAT``, its landmarks (478, 3) carried to ``flat_points``."""
    return MeshWarp(window, points)(flat_points())


class Unfolding:
    """Carries a picture of the flat face, of any numbers, onto faces.

    Args:
        flat: (448, 448, C) float32.
    """

    def __init__(self, flat: NDArray[np.float32]) -> None:
        self._warp = MeshWarp(flat, flat_points())

    def __call__(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """The picture (448, 448, C) over landmarks (478, 3), in pixels of a window aligned to ``FLAT``."""
        return self._warp(points)
