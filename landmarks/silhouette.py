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

TRUSTED, DOUBTED = 3.0, 8.0  # growth of a triangle, over the face's, up to which it shows what is there, and nothing
FIRM = 2.0  # times as much away from the rim, where a brow or a nostril must not be lost
INSET = 3  # cells from the edge of a face from which no colour is taken: it may be the background's
BESIDE = 5  # cells over which little trust spreads: a mesh fits a face to some pixels only
FADE = 1.5  # cells over which trust changes
SMOOTH = 2.0  # cells over which what is made up does
EDGE_PX = 0.8
GROWN = 1.5  # growth from which only what is surely the person is trusted at the rim of a face
KEPT, NOTABLE = 0.9, 1e-3  # trust in a cell that lacks nothing, and the share of others from which a face lacks some
TORN = 1.0  # cells by which the layers part at the edge for two of them to be needed


@dataclass(frozen=True)
class Hidden:
    """What a source shows of a face, and what is made up for the rest.

    Attributes:
        trust: (h', w') how much the source shows of what the face has there.
        cells: (rows, columns, 2) where the cells of a warp's grid come from.
        known: (rows, columns) how well the colour of each is known, from 0 to 1.
    """

    trust: NDArray[np.float32]
    cells: NDArray[np.float32]
    known: NDArray[np.float32]


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
            made_up = self.warp.enlarge(push_pull(colours, self.hidden.known))[self.part]
            face += _broadcast(1 - self.hidden.trust, face) * (made_up - face)
        behind = out[self.part].astype(np.float32)
        mixed = behind + _broadcast(self.cover, face) * (face - behind)
        out[self.part] = np.rint(mixed) if out.dtype == np.uint8 else mixed
        return out


def split_layers(warp: MeshWarp, target: NDArray[np.floating], person: NDArray[np.floating] | None = None) -> Layers:
    """The layers of a picture whose face goes to landmarks.

    Args:
        warp: Of the picture.
        target: Landmarks (478, 3) in its pixels.
        person: (H, W) what of the picture is surely the person, from 0 to 1: a mesh may reach a little beyond.
    """
    before, after = warp.nodes(target)
    low, step = np.array([warp.box[1].start, warp.box[0].start]), warp.step
    face, shown, drawn_out = _select_facing(before, after, sort_by_depth(target))
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
    trust = cv2.erode(trust[nearest], np.ones((BESIDE, BESIDE), np.uint8))
    trust = cv2.GaussianBlur(trust, (0, 0), FADE)
    part = _bound(after[face], step, warp.box)
    hidden = None
    if (trust[inside] < KEPT).mean() > NOTABLE:
        known = trust**2 * binary_erosion(inside, iterations=INSET)
        hidden = Hidden(warp.enlarge(trust)[part], cells, known)
    cover = _draw_cover(after[face], part, step)
    return Layers(
        warp, warp.enlarge_flow(around), part, warp.enlarge_flow(moves)[part], cover, bool(apart > TORN), hidden
    )


def _select_facing(
    before: NDArray[np.float64], after: NDArray[np.float64], order: NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """The triangles of a face (N, 3) that face the camera in the end, in an order.

    And, of each, how well the source shows it, and how much it is drawn out at the rim of the face; from 0 to 1.
    """
    face, rim = face_triangles()[order], rim_triangles()[order]
    small, large = measure_areas(before[face]), measure_areas(after[face])
    facing = np.sign(np.median(large))
    towards = facing * large > 0
    growth = facing * large / np.maximum(facing * small, 1e-6)
    growth /= np.median(growth[towards])
    shown = 1 - np.clip((growth / np.where(rim, 1.0, FIRM) - TRUSTED) / (DOUBTED - TRUSTED), 0, 1)
    drawn_out = rim * np.clip((growth - 1) / (GROWN - 1), 0, 1)
    return face[towards], shown[towards], drawn_out[towards]


def _bound(corners: NDArray[np.floating], step: float, box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Rows and columns of a box that some triangles (N, 3, 2) lie in, and a cell around."""
    size = np.array([part.stop - part.start for part in box[::-1]])
    low = np.clip(np.floor(corners.min((0, 1)) - 2 * step), 0, size).astype(int)
    high = np.clip(np.ceil(corners.max((0, 1)) + 2 * step), low, size).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _draw_cover(corners: NDArray[np.floating], part: tuple[slice, slice], step: float) -> NDArray[np.float32]:
    """(h', w') from 0 to 1: a part of a box with triangles (N, 3, 2) drawn in it, softened at their outline."""
    mask = np.zeros([one.stop - one.start for one in part], np.uint8)
    for triangle in np.rint((corners - [part[1].start, part[0].start]) * 16).astype(np.int32):
        cv2.fillConvexPoly(mask, triangle, 255, lineType=cv2.LINE_8, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), max(EDGE_PX, step / 4)).astype(np.float32) / 255


def push_pull(picture: NDArray[np.float32], known: NDArray[np.floating]) -> NDArray[np.float32]:
    """A smooth picture (h, w, ...) from what is known of one, weights (h, w) from 0 to 1.

    Source: Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4 (push and pull over a pyramid).
    """
    weight = known.astype(np.float32)
    return cv2.GaussianBlur(_pull(picture * _broadcast(weight, picture), weight), (0, 0), SMOOTH)


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
