"""A head that turns, in two layers: the face, with a clean edge, over what is around it.

A single flow tears at the edge of a face that turns: each cell of its coarse grid is on one side or the other. Here
either side has a flow of its own, carried on beyond the edge, and the edge is as fine as the mesh draws it. What the
source hardly shows, a cheek that was turned away, is not drawn out of the sliver of it that there is: it takes the
colour of the face beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError
from facediff.landmarks.picture_edges import find_edges
from facediff.landmarks.push_pull import as_factor, push_pull
from facediff.landmarks.triangles import cell_centres, cover_triangles, rasterise_triangles, trace_back
from facediff.landmarks.warp import (
    MeshWarp,
    face_triangles,
    measure_areas,
    rim_triangles,
    sample_picture,
    sort_by_depth,
)


@dataclass(frozen=True, kw_only=True)
class SilhouetteStyle:
    """What a source is trusted to show of a face that turns, and how the face's layer ends. Cells are a warp's.

    Fit by: unknown, all of 26 November 2026, when the layers were made; tests with drawn heads that turn, and with a
    portrait, hold the whole. Seen on: unknown. Range tried: unknown.

    Attributes:
        trusted: Growth of a triangle, over the face's, up to which it shows what is there.
        doubted: Growth from which it shows nothing.
        firm: Times as much away from the rim, where a brow or a nostril must not be lost.
        inset: Cells from the edge of a face from which no colour is taken: it may be the background's.
        beside: Cells over which little trust spreads: a mesh fits a face to some pixels only.
        fade: Cells over which trust changes.
        smooth: Cells over which what is made up changes.
        edge_px: Pixels over which the face's layer ends, at least.
        grown: Growth from which only what is surely the person is trusted at the rim of a face.
        kept: Trust in a cell that lacks nothing.
        notable: Share of other cells from which a face lacks something.
        torn: Cells by which the layers part at the edge for two of them to be needed.
        coarse: Cells, along either side, of what is around the face, or made up of it, that are carried as one.
        drawn_from: Times what a person lacks at the edge of the picture, within which they are drawn out to it. Set by
            eye on two clips and a portrait whose heads touch the edge, 30 November 2026.
    """

    trusted: float = 3.0
    doubted: float = 8.0
    firm: float = 2.0
    inset: int = 3
    beside: int = 5
    fade: float = 1.5
    smooth: float = 2.0
    edge_px: float = 0.8
    grown: float = 1.5
    kept: float = 0.9
    notable: float = 1e-3
    torn: float = 1.0
    coarse: int = 2
    drawn_from: float = 4.0

    def __post_init__(self) -> None:
        """Refuses what cannot be drawn.

        Raises:
            ConfigError: Trust or growth runs backwards, or a width that must be above 0 is not.
        """
        if self.doubted <= self.trusted or self.grown <= 1:
            raise ConfigError("a silhouette doubts what grows more than it trusts, and grown is above 1; raise them")
        if self.inset < 0 or min(self.beside, self.fade, self.smooth) <= 0:
            raise ConfigError("inset is at least 0, and beside, fade and smooth of a silhouette are above 0")


STYLE = SilhouetteStyle()


@dataclass(frozen=True)
class Hidden:
    """What a source shows of a face, and what is made up for the rest.

    Attributes:
        trust: (h', w') how much the source shows of what the face has there.
        cells: (rows, columns, 2) where coarse cells of a warp's grid come from: those in ``window``.
        window: Rows and columns of the coarse grid.
        known: (rows, columns) how well the colour of each is known, from 0 to 1; of others nothing is.
        coarse: Cells of the warp's grid, along either side, that are one of these.
        smooth: Coarse cells over which what is made up changes.
    """

    trust: NDArray[np.float32]
    cells: NDArray[np.float32]
    window: tuple[slice, slice]
    known: NDArray[np.float32]
    coarse: int
    smooth: float


@dataclass(frozen=True)
class Layers:
    """How a picture is carried to a target, in the pixels of a warp's ``box``.

    Attributes:
        warp: What bends it.
        around: (h, w, 2) where what is around the face comes from, carried on under the face; x and y in source pixels.
        part: Rows and columns of the box that the face lies in, with some room; what follows is of the size of these.
        face: (h', w', 2) where the face comes from, carried on beyond its edge.
        cover: (h', w') how much of a pixel is the face.
        is_torn: Whether the two part at the edge of the face; else they are one.
        hidden: None where the source shows all that is needed.
    """

    warp: MeshWarp
    around: NDArray[np.float32]
    part: tuple[slice, slice]
    face: NDArray[np.float32]
    cover: NDArray[np.float32]
    is_torn: bool
    hidden: Hidden | None

    @cached_property
    def flow(self) -> NDArray[np.float32]:
        """(h, w, 2) of both layers together."""
        flow = self.around.copy()
        flow[self.part] += self.cover[..., None] * (self.face - flow[self.part])
        return flow

    def __call__(self, picture: NDArray[Any]) -> NDArray[Any]:
        """A picture (H, W, ...) as its box (h, w, ...) then shows it."""
        return self.carry(picture)[0]

    def carry(self, *pictures: NDArray[Any]) -> list[NDArray[Any]]:
        """Pictures (H, W, ...) of one size, as their box (h, w, ...) then shows them."""
        if self.hidden is None and not self.is_torn:
            return [sample_picture(picture, self.flow) for picture in pictures]
        made_up = [None] * len(pictures) if self.hidden is None else self._make_up(self.hidden, pictures)
        return [self._compose(picture, new) for picture, new in zip(pictures, made_up, strict=True)]

    def _make_up(self, hidden: Hidden, pictures: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        """What the face has in its part where the source does not show it, of each picture."""
        seen = [sample_picture(picture, hidden.cells).astype(np.float32, copy=False) for picture in pictures]
        stacked = seen[0] if len(seen) == 1 else np.dstack(seen)
        grid = _count_coarse(self.warp.grid, hidden.coarse)
        cells = _place(push_pull(stacked, hidden.known, hidden.smooth), hidden.window, grid)
        made_up = self.warp.enlarge(cells, self.part, coarse=hidden.coarse)
        ends = np.cumsum([1 if one.ndim == 2 else one.shape[2] for one in seen])
        split = np.split(np.atleast_3d(made_up), ends[:-1], axis=2)
        return [new[..., 0] if one.ndim == 2 else new for one, new in zip(seen, split, strict=True)]

    def _compose(self, picture: NDArray[Any], made_up: NDArray[np.float32] | None) -> NDArray[Any]:
        """The face of a picture, and what is made up of it, over what is around."""
        out = sample_picture(picture, self.around)
        face = sample_picture(picture, self.face).astype(np.float32, copy=False)
        if self.hidden is not None and made_up is not None:
            face += as_factor(1 - self.hidden.trust, face) * (made_up - face)
        behind = out[self.part].astype(np.float32, copy=False)
        mixed = behind + as_factor(self.cover, face) * (face - behind)
        out[self.part] = np.rint(mixed) if out.dtype == np.uint8 else mixed
        return out


def split_layers(
    warp: MeshWarp,
    target: NDArray[np.floating],
    person: NDArray[np.floating] | None = None,
    style: SilhouetteStyle = STYLE,
) -> Layers:
    """The layers of a picture whose face goes to landmarks.

    Args:
        warp: Of the picture.
        target: Landmarks (478, 3) in its pixels.
        person: (H, W) what of the picture is surely the person, from 0 to 1: a mesh may reach a little beyond.
        style: What is trusted, and how the face's layer ends.
    """
    before, after = warp.nodes(target)
    step, grid = warp.step, warp.grid
    order = sort_by_depth(target)
    face, shown, drawn_out = _select_facing(before, after, order, warp.style.hidden_below, step, style)
    part = _bound(after[face], step, warp.box)
    window, centres = _choose_cells(part, step, grid, style), cell_centres(grid[::-1], step)
    around = _carry_around(before, after, warp, style.coarse)
    edges = [] if person is None else find_edges(around, warp, person, coarse=style.coarse, reach=style.drawn_from)
    for side in edges:
        side.draw_out(around, cell_centres(around.shape[:2], step * style.coarse), warp)
    around_cells = _refine(around, style.coarse, grid)[window]

    owner = rasterise_triangles(after[face], grid, step)[window]
    inside, nearest = owner >= 0, _find_nearest(owner >= 0)
    cells = trace_back(before[face], after[face], owner, centres[window], step)
    moves = _take(cells - centres[window], nearest)
    for side in edges:
        side.draw_out(moves, centres[window], warp)
    edge = inside & ~_erode(inside, 1)
    apart = np.abs(moves - around_cells)[edge].max(initial=0) / step

    cells = (cells + [warp.box[1].start, warp.box[0].start]).astype(np.float32)
    trust = shown[owner].astype(np.float32)
    if person is not None:
        seen = sample_picture(person.astype(np.float32, copy=False), cells)
        trust = np.minimum(trust, 1 - drawn_out[owner] * (1 - seen)).astype(np.float32)
    trust = cv2.erode(_take(trust, nearest), np.ones((style.beside, style.beside), np.uint8))
    trust = cv2.GaussianBlur(trust, (0, 0), style.fade)
    hidden = None
    if (trust[inside] < style.kept).mean() > style.notable:
        known = trust**2 * (_erode(inside, style.inset) if style.inset else inside)
        whole = warp.enlarge(_place(trust, window, grid), part)
        merged, its_window = _merge(np.dstack([cells, known.astype(np.float32)]), window, style.coarse)
        smooth = style.smooth / style.coarse
        hidden = Hidden(whole, merged[..., :2].copy(), its_window, merged[..., 2].copy(), style.coarse, smooth)
    cover = _draw_cover(after[face], part, max(style.edge_px, step / 4))
    flow = warp.enlarge_flow(_place(moves, window, grid), part)
    whole = warp.enlarge_flow(around, coarse=style.coarse)
    return Layers(warp, whole, part, flow, cover, bool(apart > style.torn), hidden)


def _carry_around(
    before: NDArray[np.float64], after: NDArray[np.float64], warp: MeshWarp, coarse: int
) -> NDArray[np.float32]:
    """How far each coarse cell is carried back (rows, columns, 2) by what is around the face, carried on under it."""
    outer, step = warp.outline_triangles, warp.step * coarse
    outer = outer[measure_areas(before[outer]) * measure_areas(after[outer]) > 0]
    owner = rasterise_triangles(after[outer], _count_coarse(warp.grid, coarse), step)
    centres = cell_centres(owner.shape, step)
    moves = trace_back(before[outer], after[outer], owner, centres, step) - centres
    return _take(moves, _find_nearest(owner >= 0)).astype(np.float32)


def _count_coarse(grid: tuple[int, int], coarse: int) -> tuple[int, int]:
    """Columns and rows of coarse cells."""
    columns, rows = (-(-count // coarse) for count in grid)
    return columns, rows


def _merge(
    values: NDArray[np.float32], window: tuple[slice, slice], coarse: int
) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """Means (rows, columns, ...) of so many cells, along either side, of a window, and their window.

    Its first row and column are first ones of coarse cells; beyond its end its last ones go on.
    """
    missing = [(0, -(one.stop - one.start) % coarse) for one in window]
    padded = np.pad(values, [*missing, (0, 0)], mode="edge") if np.any(missing) else values
    means: NDArray[np.float32] = padded[::coarse, ::coarse].copy()
    for row in range(coarse):
        for column in range(coarse):
            if row or column:
                means += padded[row::coarse, column::coarse]
    means /= coarse**2
    rows, columns = (slice(one.start // coarse, -(-one.stop // coarse)) for one in window)
    return means, (rows, columns)


def _refine(cells: NDArray[np.float32], coarse: int, grid: tuple[int, int]) -> NDArray[np.float32]:
    """Values of coarse cells for all cells of a grid (rows, columns, ...)."""
    shift = 0.5 / coarse - 0.5
    inverse = np.array([[1 / coarse, 0, shift], [0, 1 / coarse, shift]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(cells, inverse, grid, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _choose_cells(
    part: tuple[slice, slice], step: float, grid: tuple[int, int], style: SilhouetteStyle
) -> tuple[slice, slice]:
    """Rows and columns of the cells that some part of a box depends on, as far as trust spreads."""
    around = style.beside + int(np.ceil(4 * style.fade)) + style.inset + 3
    rows, columns = (
        slice(
            max(0, int(one.start / step) - around) // style.coarse * style.coarse,
            min(count, int(one.stop / step) + around),
        )
        for one, count in zip(part, grid[::-1], strict=True)
    )
    return rows, columns


def _take(values: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Of values (h, w, ...) those at some places, numbers of cells (h, w)."""
    return values.reshape(-1, *values.shape[2:])[places]


def _place(values: NDArray[np.floating], window: tuple[slice, slice], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Values of some cells in the whole grid; 0 in the others."""
    out = np.zeros((*grid[::-1], *values.shape[2:]), np.float32)
    out[window] = values
    return out


def _erode(mask: NDArray[np.bool_], times: int) -> NDArray[np.bool_]:
    """A mask (h, w) without its outermost cells, by neighbours along rows and columns; beyond it there is nothing."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    kept = cv2.erode(mask.view(np.uint8), cross, iterations=times, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return kept.view(np.bool_)


def _select_facing(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    order: NDArray[np.intp],
    hidden_below: float,
    step: float,
    style: SilhouetteStyle,
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """The triangles of a face (N, 3) that face the camera in the end, in an order.

    And, of each, how well the source shows it, and how much it is drawn out at the rim of the face; from 0 to 1.
    """
    face, rim = face_triangles()[order], rim_triangles(hidden_below)[order]
    small, large = measure_areas(before[face]), measure_areas(after[face])
    facing = np.sign(np.median(large))
    towards = facing * large > 0
    growth = facing * large / np.maximum(facing * small, 1e-6)
    growth /= np.median(growth[towards])
    doubt = (growth / np.where(rim, 1.0, style.firm) - style.trusted) / (style.doubted - style.trusted)
    told = facing * large >= step**2  # the growth of what is half a cell in the end is by chance, and says nothing
    shown = 1 - told * np.clip(doubt, 0, 1)
    drawn_out = told * rim * np.clip((growth - 1) / (style.grown - 1), 0, 1)
    return face[towards], shown[towards], drawn_out[towards]


def _bound(corners: NDArray[np.floating], step: float, box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Rows and columns of a box that some triangles (N, 3, 2) lie in, and a cell around."""
    size = np.array([part.stop - part.start for part in box[::-1]])
    low = np.clip(np.floor(corners.min((0, 1)) - 2 * step), 0, size).astype(int)
    high = np.clip(np.ceil(corners.max((0, 1)) + 2 * step), low, size).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _draw_cover(corners: NDArray[np.floating], part: tuple[slice, slice], edge_px: float) -> NDArray[np.float32]:
    """(h', w') from 0 to 1: a part of a box with triangles (N, 3, 2) drawn in it, softened at their outline."""
    rows, columns = (one.stop - one.start for one in part)
    mask = 255 * cover_triangles(corners - [part[1].start, part[0].start], (columns, rows)).view(np.uint8)
    return cv2.GaussianBlur(mask, (0, 0), edge_px).astype(np.float32) / 255


def _find_nearest(known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number, for each cell (h, w), of the nearest that is known, or nearly so; of itself where none is."""
    if not known.any():
        return np.arange(known.size).reshape(known.shape)
    unknown = (~known).view(np.uint8)
    _, label = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    return np.flatnonzero(known)[label - 1]  # labels are counted from 1, along rows
