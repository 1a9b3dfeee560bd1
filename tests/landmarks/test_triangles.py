"""Triangles on a grid: which cell is whose, what is covered, and where it comes from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.landmarks.triangles import cell_centres, cover_triangles, rasterise_triangles, trace_back

GRID = (40, 30)


def _random(count: int, seed: int = 0, *, most: float = 12.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-5, 45, (count, 1, 2)) + rng.uniform(-most, most, (count, 3, 2))


@pytest.mark.parametrize("step", [1.0, 2.3])
def test_a_cell_whose_centre_lies_in_triangles_is_the_last_ones_and_no_other_is_far_from_its_own(step) -> None:
    corners = _random(60) * step
    owner = rasterise_triangles(corners, GRID, step)
    centres = cell_centres(owner.shape, step).reshape(-1, 2)
    distance = np.array([[_distance(one, centre) for centre in centres] for one in corners])
    told, inside = owner.ravel(), distance > 1e-4
    last = np.where(inside.any(0), len(corners) - 1 - inside[::-1].argmax(0), -1)
    assert (told >= last).all()  # what is drawn later may reach half a cell over its edge
    owned = np.flatnonzero(told >= 0)
    assert distance[told[owned], owned].min() > -0.71 * step
    assert (told == last).mean() > 0.8 and (told < 0).any()


def _distance(corners: np.ndarray, centre: np.ndarray) -> float:
    return cv2.pointPolygonTest(corners[:, None].astype(np.float32), (float(centre[0]), float(centre[1])), True)


def test_triangles_side_by_side_leave_no_crack() -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[2:28:6, 2:38:6].astype(float)
    nodes = np.stack([x, y], -1) + rng.uniform(-1.5, 1.5, (*x.shape, 2))
    one = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[:-1, 1:]], 2).reshape(-1, 3, 2)
    other = np.stack([nodes[1:, 1:], nodes[1:, :-1], nodes[:-1, 1:]], 2).reshape(-1, 3, 2)
    covered = cover_triangles(np.concatenate([one, other]), GRID)
    assert covered[4:25, 4:30].all()
    assert not covered[0].any() and not covered[:, 36:].any()


def test_what_is_covered_is_what_has_an_owner() -> None:
    corners = _random(25, 2)
    assert (cover_triangles(corners, GRID) == (rasterise_triangles(corners, GRID, 1.0) >= 0)).all()


def test_what_lies_outside_the_grid_is_left_out() -> None:
    away = _random(20, 3, most=2.0) * 0.1 + [[[100.0, -70.0]]]
    assert (rasterise_triangles(away, GRID, 1.0) == -1).all() and not cover_triangles(away, GRID).any()
    assert (rasterise_triangles(np.zeros((0, 3, 2)), GRID, 1.0) == -1).all()


def test_a_triangle_that_is_flat_is_drawn_as_the_line_that_it_is() -> None:
    level = np.array([[[3.0, 5.0], [9.0, 5.0], [6.0, 5.0]]])
    assert np.flatnonzero(cover_triangles(level, GRID)[5]).max() <= 9
    upright = np.array([[[4.0, 2.0], [4.0, 8.0], [4.0, 5.0]]])
    assert (np.argwhere(cover_triangles(upright, GRID)) == [[row, 4] for row in range(2, 9)]).all()


def test_cells_come_from_where_the_map_of_their_triangle_has_them() -> None:
    target = np.array([[[2.0, 2.0], [30.0, 3.0], [6.0, 26.0]]])
    linear, shift = np.array([[0.9, 0.2], [-0.1, 1.1]]), np.array([3.0, -1.0])
    owner = rasterise_triangles(target, GRID, 1.0)
    centres = cell_centres(owner.shape, 1.0)
    back = trace_back(target @ linear.T + shift, target, owner, centres, 1.0)
    assert np.allclose(back[owner == 0], (centres @ linear.T + shift)[owner == 0], atol=1e-9)
    assert not back[owner < 0].any()
