"""Heads that move away from the edge of their picture, as layers show them."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.silhouette import split_layers
from facediff.landmarks.warp import MeshWarp


@pytest.mark.parametrize("turn", [0, 1, 3])
def test_a_head_that_leaves_the_edge_of_its_picture_leaves_no_mirror_image_there(portrait, mesh, turn) -> None:
    """Rows count how far in a pixel lies: what is at the edge is of the edge, and all go on inwards."""
    height, width = portrait.shape[:2]
    top = int(mesh[:, 1].min()) - 20  # hair is cut off
    shape, points = (height - top, width), mesh - np.float32([0, top, 0])
    rows = np.repeat(np.arange(shape[0], dtype=np.float32)[:, None], width, axis=1)
    person = np.ones(shape, np.float32)
    lowered = points + np.float32([0, 30, 0])

    def carried(person: np.ndarray | None) -> np.ndarray:
        given = [np.ascontiguousarray(np.rot90(one, turn)) for one in (rows, np.ones(shape, np.float32))]
        box = MeshWarp(given[0], _turned(points, turn, shape))
        made = given[0].copy()
        mask = None if person is None else np.ascontiguousarray(np.rot90(person, turn))
        made[box.box] = split_layers(box, _turned(lowered, turn, shape), mask)(given[0])
        return np.rot90(made, -turn)

    column = int(points[:, 0].mean())
    assert carried(None)[0, column] > 15  # mirrored
    assert carried(np.zeros(shape, np.float32))[0, column] > 15  # a wall may be
    drawn = carried(person)[:, column]
    assert drawn[0] < 2 and (np.diff(drawn[1:100]) > 0).all()
    np.testing.assert_allclose(drawn[200:210], carried(None)[200:210, column], atol=0.01)


def _turned(points: np.ndarray, turn: int, shape: tuple[int, int]) -> np.ndarray:
    """Landmarks of a picture (H, W) that ``np.rot90`` has turned so many times."""
    x, y = points[:, 0], points[:, 1]
    height, width = shape
    ways = {0: (x, y), 1: (y, width - 1 - x), 3: (height - 1 - y, x)}
    return np.column_stack([*ways[turn], points[:, 2]]).astype(np.float32)
