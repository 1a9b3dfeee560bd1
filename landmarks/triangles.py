"""Triangles on a grid of cells: which of them shows in each, and where what it shows comes from.

All triangles are drawn at once, as spans of rows. One call of a drawing library for each, two thousand a frame, takes
twice as long, and each of these calls lets go of Python's lock, which another thread then has.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Spans = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


def rasterise_triangles(corners: NDArray[np.floating], grid: tuple[int, int], step: float) -> NDArray[np.int32]:
    """Which triangle shows in each cell of a grid, (rows, columns), the last that covers it; -1 for none.

    A triangle covers the cells whose centres lie in it, or less than half a cell beside it.

    Args:
        corners: Of the triangles (N, 3, 2), in pixels from the grid's corner.
        grid: Columns and rows.
        step: Pixels to a cell.
    """
    columns, rows = grid
    triangle, row, first, last = _find_spans(corners / step + (0.5 / step - 0.5), grid)
    width = last - first + 1
    cells = np.arange(width.sum()) + np.repeat(row * columns + first - np.cumsum(width) + width, width)
    owner = np.full(rows * columns, -1, np.int32)
    owner[cells] = np.repeat(triangle, width)  # of several values for a cell the last one stays
    return owner.reshape(rows, columns)


def cover_triangles(corners: NDArray[np.floating], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels (rows, columns) lie in any of some triangles; see ``rasterise_triangles``.

    Args:
        corners: Of the triangles (N, 3, 2), in pixels from the corner.
        grid: Columns and rows.
    """
    columns, rows = grid
    _, row, first, last = _find_spans(corners, grid)
    begun, ended = (
        np.bincount(row * (columns + 1) + column, minlength=rows * (columns + 1)) for column in (first, last + 1)
    )
    return np.cumsum((begun - ended).reshape(rows, columns + 1)[:, :columns], axis=1) > 0


def _find_spans(corners: NDArray[np.floating], grid: tuple[int, int]) -> Spans:
    """Of triangles (N, 3, 2), in cells, the number, row, first and last column of each row of cells that they cover.

    They come in the order of the triangles; what lies outside the grid (columns, rows) is left out.
    """
    columns, rows = grid
    order = np.argsort(corners[..., 1], axis=1)
    x, y = (np.take_along_axis(corners[..., axis], order, axis=1).T for axis in range(2))
    top = np.maximum(np.floor(y[0] + 0.5), 0).astype(np.intp)
    bottom = np.minimum(np.floor(y[2] + 0.5), rows - 1).astype(np.intp)
    count = np.maximum(bottom - top + 1, 0)
    triangle = np.repeat(np.arange(len(corners)), count)
    row = np.arange(len(triangle)) + np.repeat(top - np.cumsum(count) + count, count)
    runs, falls = (np.stack([one[2] - one[0], one[1] - one[0], one[2] - one[1]]) for one in (x, y))
    slopes = runs / np.where(falls > 0, falls, np.inf)
    x0, x1, y0, y1, y2, long, upper, lower = np.take(np.stack([x[0], x[1], *y, *slopes]), triangle, axis=1)
    height = np.minimum(np.maximum(row, y0), y2)
    one = x0 + long * (height - y0)
    other = x1 + np.where(height >= y1, lower, upper) * (height - y1)
    first = np.maximum(np.floor(np.minimum(one, other) + 0.5), 0).astype(np.intp)
    last = np.minimum(np.floor(np.maximum(one, other) + 0.5), columns - 1).astype(np.intp)
    seen = first <= last
    return triangle[seen], row[seen], first[seen], last[seen]


def trace_back(
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    owner: NDArray[np.int32],
    centres: NDArray[np.float64],
    step: float,
) -> NDArray[np.float64]:
    """Where each cell's centre comes from, (rows, columns, 2) in pixels: a triangle carries its own by an affine map.

    Args:
        source: Corners (N, 3, 2) of the triangles before.
        target: Corners (N, 3, 2) after.
        owner: See ``rasterise_triangles``; where it is -1 they are 0.
        centres: (rows, columns, 2) of the cells, see ``cell_centres``.
        step: Pixels to a cell.
    """
    (x1, y1), (x2, y2) = ((target[:, k] - target[:, 0]).T for k in (1, 2))
    det = x1 * y2 - x2 * y1
    det = np.where(np.abs(det) > 1e-3, det, np.inf)  # a sliver takes the colour of its corner
    inverse = np.stack([np.stack([y2, -x2], -1), np.stack([-y1, x1], -1)], 1) / det[:, None, None]
    edges = np.stack([source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]], axis=2)
    linear = edges @ inverse
    shift = source[:, 0] - np.einsum("nij,nj->ni", linear, target[:, 0])
    # A cell's centre may lie just outside its triangle, where the map of a sliver runs far away: a speck of the wrong
    # colour. Nothing comes from more than a cell beyond the triangle's own corners.
    low, high = _span(source)
    owned = np.flatnonzero(owner >= 0)
    triangle, (x, y) = owner.ravel()[owned], centres.reshape(-1, 2).T[:, owned]
    moved = np.zeros((owner.size, 2))
    for axis in range(2):
        table = np.stack([*linear[:, axis].T, shift[:, axis], low[:, axis] - step, high[:, axis] + step])
        across, down, along, least, most = np.take(table, triangle, axis=1)
        moved[owned, axis] = np.minimum(np.maximum(across * x + down * y + along, least), most)
    return moved.reshape(*owner.shape, 2)


@lru_cache(maxsize=8)
def cell_centres(shape: tuple[int, ...], step: float) -> NDArray[np.float64]:
    """Centres of cells, (rows, columns, 2) in pixels."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    centres = np.stack([(x + 0.5) * step - 0.5, (y + 0.5) * step - 0.5], axis=-1)
    centres.setflags(write=False)  # the same for all who ask
    return centres


def _span(corners: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and greatest coordinates (N, 2) of triangles (N, 3, 2), ten times as fast as reductions of three."""
    one, other, third = corners.transpose(1, 0, 2)
    return np.minimum(np.minimum(one, other), third), np.maximum(np.maximum(one, other), third)
