"""A head that turns, in two layers: the face, with a clean edge, over what is around it.

A single flow tears at the edge of a face that turns: each cell of its coarse grid is on one side or the other. Here
either side has a flow of its own, carried on beyond the edge, and the edge is as fine as the mesh draws it. What the
source hardly shows, a cheek that was turned away, is not drawn out of the sliver of it that there is: it takes the
colour of the face beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from facediff.errors import ConfigError
from facediff.landmarks.warp import (
    MeshWarp,
    cell_centres,
    face_triangles,
    measure_areas,
    rasterise_triangles,
    rim_triangles,
    sort_by_depth,
    trace_back,
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
        cells: (rows, columns, 2) where the cells of a warp's grid come from.
        known: (rows, columns) how well the colour of each is known, from 0 to 1.
        smooth: Cells over which what is made up changes.
    """

    trust: NDArray[np.float32]
    cells: NDArray[np.float32]
    known: NDArray[np.float32]
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
        if self.hidden is None and not self.is_torn:
            return _sample(picture, self.flow)
        out = _sample(picture, self.around)
        face = _sample(picture, self.face).astype(np.float32)
        if self.hidden is not None:
            colours = _sample(picture, self.hidden.cells).astype(np.float32)
            made_up = self.warp.enlarge(push_pull(colours, self.hidden.known, self.hidden.smooth))[self.part]
            face += _broadcast(1 - self.hidden.trust, face) * (made_up - face)
        behind = out[self.part].astype(np.float32)
        mixed = behind + _broadcast(self.cover, face) * (face - behind)
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
    low, step = np.array([warp.box[1].start, warp.box[0].start]), warp.step
    face, shown, drawn_out = _select_facing(before, after, sort_by_depth(target), warp.style.hidden_below, style)
    owner = rasterise_triangles(after[face], warp.grid, step)
    inside = owner >= 0
    nearest, centres = _find_nearest(inside), cell_centres(inside.shape, step)
    moves = (trace_back(before[face], after[face], owner, step) - centres)[nearest]
    outer = warp.outline_triangles
    outer = outer[measure_areas(before[outer]) * measure_areas(after[outer]) > 0]
    beyond = rasterise_triangles(after[outer], warp.grid, step)
    around = (trace_back(before[outer], after[outer], beyond, step) - centres)[_find_nearest(beyond >= 0)]
    edge = inside & ~binary_erosion(inside)
    apart = np.abs(moves - around)[edge].max(initial=0) / step

    cells, trust = (moves + centres + low).astype(np.float32), shown[owner].astype(np.float32)
    if person is not None:
        seen = _sample(person.astype(np.float32), cells)
        trust = np.minimum(trust, 1 - drawn_out[owner] * (1 - seen)).astype(np.float32)
    trust = cv2.erode(trust[nearest], np.ones((style.beside, style.beside), np.uint8))
    trust = cv2.GaussianBlur(trust, (0, 0), style.fade)
    part = _bound(after[face], step, warp.box)
    hidden = None
    if (trust[inside] < style.kept).mean() > style.notable:
        known = trust**2 * (binary_erosion(inside, iterations=style.inset) if style.inset else inside)
        hidden = Hidden(warp.enlarge(trust)[part], cells, known, style.smooth)
    cover = _draw_cover(after[face], part, max(style.edge_px, step / 4))
    return Layers(
        warp, warp.enlarge_flow(around), part, warp.enlarge_flow(moves)[part], cover, bool(apart > style.torn), hidden
    )


def _select_facing(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    order: NDArray[np.intp],
    hidden_below: float,
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
    shown = 1 - np.clip(doubt, 0, 1)
    drawn_out = rim * np.clip((growth - 1) / (style.grown - 1), 0, 1)
    return face[towards], shown[towards], drawn_out[towards]


def _bound(corners: NDArray[np.floating], step: float, box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Rows and columns of a box that some triangles (N, 3, 2) lie in, and a cell around."""
    size = np.array([part.stop - part.start for part in box[::-1]])
    low = np.clip(np.floor(corners.min((0, 1)) - 2 * step), 0, size).astype(int)
    high = np.clip(np.ceil(corners.max((0, 1)) + 2 * step), low, size).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _draw_cover(corners: NDArray[np.floating], part: tuple[slice, slice], edge_px: float) -> NDArray[np.float32]:
    """(h', w') from 0 to 1: a part of a box with triangles (N, 3, 2) drawn in it, softened at their outline."""
    mask = np.zeros([one.stop - one.start for one in part], np.uint8)
    for triangle in np.rint((corners - [part[1].start, part[0].start]) * 16).astype(np.int32):
        cv2.fillConvexPoly(mask, triangle, 255, lineType=cv2.LINE_8, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), edge_px).astype(np.float32) / 255


def push_pull(
    picture: NDArray[np.float32], known: NDArray[np.floating], smooth: float = STYLE.smooth
) -> NDArray[np.float32]:
    """A smooth picture (h, w, ...) from what is known of one, weights (h, w) from 0 to 1.

    Source: Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4 (push and pull over a pyramid).
    """
    weight = known.astype(np.float32)
    return cv2.GaussianBlur(_pull(picture * _broadcast(weight, picture), weight), (0, 0), smooth)


def _pull(weighted: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    if min(weight.shape) < 4:
        axes = (0, 1)
        mean = weighted.sum(axes, keepdims=True) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean, weighted.shape).astype(np.float32)
    coarse = _pull(cv2.pyrDown(weighted), cv2.pyrDown(weight))
    size = (weight.shape[1], weight.shape[0])
    share = np.minimum(weight, 1.0)
    rough = cv2.resize(np.ascontiguousarray(coarse), size, interpolation=cv2.INTER_LINEAR)
    own = weighted / _broadcast(np.maximum(weight, 1e-6), weighted)
    return rough + _broadcast(share, rough) * (own - rough)


def _find_nearest(known: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Row and column, for each cell, of the nearest that is known."""
    if not known.any():
        return tuple(np.indices(known.shape))
    return tuple(distance_transform_edt(~known, return_distances=False, return_indices=True))


def _sample(picture: NDArray[Any], places: NDArray[np.float32]) -> NDArray[Any]:
    return cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def _broadcast(mask: NDArray[np.float32], picture: NDArray[Any]) -> NDArray[np.float32]:
    """A mask (h, w) that multiplies a picture, with colours or without."""
    return mask[..., None] if picture.ndim == 3 else mask
