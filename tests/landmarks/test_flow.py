"""How a picture moves, told by landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import InputError
from facediff.landmarks.flow import trace_origins
from facediff.landmarks.mesh import NOSE_TIP
from facediff.landmarks.warp import MeshWarp

CELLS = 64, 64


@pytest.fixture(scope="module")
def stay() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).astype(np.float32)


def test_a_head_that_goes_8_pixels_aside_is_found_8_pixels_back(mesh, stay) -> None:
    origins = trace_origins(mesh, (mesh + [8, 0, 0])[None], (512, 512), CELLS)
    column, row = ((mesh[NOSE_TIP, :2] + [8, 0]) / 8).astype(int)
    moved = (stay - origins[0]) * 8
    np.testing.assert_allclose(
        moved[row - 3 : row + 3, column - 3 : column + 3], np.broadcast_to([8.0, 0.0], (6, 6, 2)), atol=0.5
    )
    assert np.abs(moved[[0, -1]]).max() == 0  # the ground stays


def test_who_stays_stays(mesh, stay) -> None:
    np.testing.assert_allclose(trace_origins(mesh, mesh[None], (512, 512), CELLS)[0], stay, atol=0.02)


def test_cells_are_means_of_what_the_mesh_warp_does(mesh) -> None:
    target = mesh.copy()
    target[:, 1] += 0.05 * (mesh[:, 1] - mesh[:, 1].mean())
    warp = MeshWarp(np.zeros((512, 512, 1), np.float32), mesh)
    rows, columns = warp.box
    flow = warp.flow(target)
    column, row = (mesh[NOSE_TIP, :2] / 8).astype(int)
    block = flow[8 * row - rows.start : 8 * row + 8 - rows.start, 8 * column - columns.start :][:, :8]
    origins = trace_origins(mesh, target[None], (512, 512), CELLS)
    np.testing.assert_allclose(origins[0, row, column], (block.mean((0, 1)) - 3.5) / 8, atol=0.02)


def test_landmarks_of_other_shapes_are_refused(mesh) -> None:
    with pytest.raises(InputError, match="of frames"):
        trace_origins(mesh, mesh, (512, 512), CELLS)
    with pytest.raises(InputError, match="of a picture"):
        trace_origins(mesh[:68], mesh[None], (512, 512), CELLS)
