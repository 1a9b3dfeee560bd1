"""Which point of the mean face lies where in a crop: places to hold on to that move with the face."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import FACE
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.warp import MeshWarp


def face_coordinates(points: NDArray[np.floating], step: int = 8) -> NDArray[np.float32]:
    """Canonical x and y (2, H/step, W/step) of every cell of a face crop, in eye distances from the crop's anchor.

    Inside the face they are those of the mean face's surface, seen from the front; around it they follow the head, and
    fade into the crop's own further out.

    Args:
        points: Landmarks (478, 3) in pixels of a crop that is aligned to ``FACE``.
        step: Pixels of the crop to a cell.
    """
    width, height = FACE.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.stack([x, y], axis=-1)
    warp = _from_mean_face(step)
    places[warp.box] = warp.flow(points)
    cells = places.reshape(height // step, step, width // step, step, 2).mean(axis=(1, 3))
    return ((cells - np.array(FACE.anchor_px)) / FACE.unit_px).transpose(2, 0, 1).astype(np.float32)


@cache
def _from_mean_face(step: int) -> MeshWarp:
    """A warp that starts from the mean face as a crop shows it from the front; only its flow is of use."""
    width, height = FACE.size
    anchor = np.array([*FACE.anchor_px, 0.0])
    points = (mean_face() - np.array(FACE.anchor)) * FACE.unit_px + anchor
    return MeshWarp(np.zeros((height, width, 3), np.uint8), points, grid=2 * max(width, height) // step)
