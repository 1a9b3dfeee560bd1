"""What a face's landmarks say about how all of a picture moves: for models that paint pictures and know no motion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.landmarks.mesh import ALL_POINTS
from facediff.landmarks.warp import MeshWarp


def trace_origins(
    source: NDArray[np.floating],
    targets: NDArray[np.floating],
    size: tuple[int, int],
    cells: tuple[int, int],
    *,
    follows: float = 1.0,
) -> NDArray[np.float32]:
    """Where the content of each cell of F frames comes from in the picture that they move away from.

    That is the mesh warp's backward flow (``facediff.landmarks.warp.MeshWarp``), averaged in each cell: the face as its
    landmarks go, what is around it along with it, the ground where it is.

    Args:
        source: Landmarks (478, 3) in the picture, in pixels.
        targets: Landmarks (F, 478, 3) wanted.
        size: Width and height of the picture.
        cells: Columns and rows of the grid; those of latents, say.
        follows: See ``MeshWarp``.

    Returns:
        (F, rows, columns, 2): column and row, in cells.

    Raises:
        InputError: The landmarks are not of such shapes.
    """
    targets = np.asarray(targets)
    if np.shape(source)[:1] != (ALL_POINTS,) or targets.ndim != 3 or targets.shape[1] != ALL_POINTS:
        raise InputError(
            f"landmarks of a picture are (478, 3), of frames (F, 478, 3), not {np.shape(source)}, {targets.shape}"
        )
    width, height = size
    warp = MeshWarp(np.zeros((height, width, 1), np.float32), np.asarray(source), follows=follows)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    stay = np.stack([columns, rows], axis=-1)
    at = np.stack(np.meshgrid(np.arange(cells[0]), np.arange(cells[1])), axis=-1).astype(np.float32)
    step = np.array([width / cells[0], height / cells[1]], np.float32)
    origins = np.empty((len(targets), cells[1], cells[0], 2), np.float32)
    for index, target in enumerate(targets):
        moved = np.zeros_like(stay)
        moved[warp.box] = warp.flow(target) - stay[warp.box]
        origins[index] = at + cv2.resize(moved, cells, interpolation=cv2.INTER_AREA) / step
    return origins
