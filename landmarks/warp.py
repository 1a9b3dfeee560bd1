"""The landmark-driven mesh warp: source pixels carried to where the landmarks want them.

The mesh is the face, a shell of points around it that follows the head, and a ring that stays. Triangles are painted
from back to front, so that a turned head covers its own far side. The flow is found on a coarse grid and enlarged;
the source is sampled once, at its own resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt
from scipy.spatial import Delaunay

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import FACE_OVAL, LIPS_INNER, MESH_POINTS
from facediff.landmarks.triangles import cell_centres, rasterise_triangles, trace_back

OUTSIDE, SHOWN, HIDDEN = 0, 1, 2  # kinds of triangles: around the face, of it, and of it but turned away


@dataclass(frozen=True, kw_only=True)
class WarpStyle:
    """How a picture bends around a face.

    Fit by: unknown; tests with drawn heads that turn hold ``sight``, ``hidden_from``, ``edge_cells`` and
    ``hidden_below``, of 26 November 2026, when turned heads showed walls on far cheeks. The others are as old as the
    warp. Seen on: unknown. Range tried: unknown.

    Attributes:
        shell: How far, in units of the face oval, points still follow the head. Training pairs were warped with it.
        ring: How far the picture bends at all, in the same units.
        sight: What lies so little beside a direction, over its distance, lies in it.
        hidden_from: Growth of a triangle at the rim of a face from which the source does not show it.
        edge_cells: Cells at the edge of what is hidden that may have something of the background.
        hidden_below: Height on the mean face, in eye distances down from the eyes, above which hair hides the edge, and
            a brow that reaches it must not be smeared.
    """

    shell: float = 1.45
    ring: float = 2.1
    sight: float = 0.12
    hidden_from: float = 12.0
    edge_cells: int = 3
    hidden_below: float = -0.12


STYLE = WarpStyle()


@cache
def face_triangles() -> NDArray[np.int32]:
    """Triangles (N, 3) over the 468 mesh points, the inner mouth included, as seen from the front."""
    # Lips of the mean face touch; part them so that no triangle ties the upper lip to the lower one wrongly.
    front = mean_face()[:MESH_POINTS, :2].astype(np.float64)
    lower = LIPS_INNER[1:10]
    front[lower, 1] += 0.02
    return Delaunay(front).simplices.astype(np.int32)


@cache
def rim_triangles(hidden_below: float = STYLE.hidden_below) -> NDArray[np.bool_]:
    """(N,) which triangles of the cheeks lie within two edges of the oval, where a face that turns hides itself.

    Args:
        hidden_below: See ``WarpStyle``.
    """
    triangles, near = face_triangles(), np.zeros(MESH_POINTS, bool)
    near[FACE_OVAL] = True
    for _ in range(2):
        near[triangles[near[triangles].any(axis=1)]] = True
    return near[triangles].all(axis=1) & (mean_face()[triangles, 1].min(axis=1) > hidden_below)


def sort_by_depth(points: NDArray[np.floating]) -> NDArray[np.intp]:
    """The triangles of a face (478, 3) in the order in which they are painted, each over what lies behind it."""
    return np.argsort(-points[face_triangles(), 2].mean(1), kind="stable")


def find_hidden(
    source: NDArray[np.floating], target: NDArray[np.floating], style: WarpStyle = STYLE
) -> NDArray[np.bool_]:
    """(N,) triangles at the rim of a face that the target shows and the source (478, 3) hardly or not."""
    triangles = face_triangles()
    before, after = (measure_areas(np.asarray(points, np.float64)[triangles, :2]) for points in (source, target))
    facing = np.sign(np.median(after))
    grows = facing * after > style.hidden_from * np.maximum(facing * before, 0)
    return rim_triangles(style.hidden_below) & grows & (facing * after > 0)


def find_stretched(
    source: NDArray[np.floating], target: NDArray[np.floating], factor: float = 2.0
) -> NDArray[np.int32]:
    """Triangles (N, 3) of the face that a warp smears: so many times larger in the target, or not seen in the source.

    Args:
        source: Landmarks (478, 3).
        target: Landmarks (478, 3) wanted, of the same head at the same size.
        factor: Growth of a triangle's area from which its pixels cannot be trusted.
    """
    triangles = face_triangles()
    before, after = (measure_areas(np.asarray(points, np.float64)[triangles, :2]) for points in (source, target))
    facing = np.sign(np.median(after))  # the way most of the face turns, whatever the sense of rotation
    return triangles[(facing * after > 0) & (facing * after > factor * np.maximum(facing * before, 0))]


def measure_areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the signed areas (N,) of triangles (N, 3, 2)."""
    (ax, ay), (bx, by) = ((corners[:, k] - corners[:, 0]).T for k in (1, 2))
    return ax * by - ay * bx


class MeshWarp:
    """Warps one source frame towards any number of target meshes.

    Args:
        frame: Source picture (H, W, 3), uint8; or any numbers in its place, (H, W, C) float32.
        points: Source landmarks (478, 3) in pixels.
        grid: Cells along the longer side of the box that may bend; the flow is found on them. ``grid`` are then their
            columns and rows, ``step`` the pixels to a cell.
        follows: How much of the face's movement what is around it makes: 1 where the head moves, 0 where its
            expression alone does.
        style: How the picture bends.
    """

    def __init__(
        self,
        frame: NDArray[Any],
        points: NDArray[np.floating],
        *,
        grid: int = 224,
        follows: float = 1.0,
        style: WarpStyle = STYLE,
    ) -> None:
        self.frame, self.style, self._follows = frame, style, follows
        self.points = np.asarray(points[:MESH_POINTS], np.float64)
        oval = self.points[FACE_OVAL]
        centre = oval.mean(0)
        self._shell = centre + (oval - centre) * style.shell
        ring = centre[:2] + (oval[:, :2] - centre[:2]) * style.ring
        self._ring = ring
        self._nodes = self._all_nodes(self.points, self._shell)
        outline = trace_silhouette(self.points, style.sight)
        to_oval, self.outline_triangles = _triangulate_outside(np.concatenate([outline, self._shell[:, :2], ring]))
        self._outer_triangles = np.concatenate([to_oval, self.outline_triangles])
        height, width = frame.shape[:2]
        low = np.clip(np.floor(ring.min(0)), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(ring.max(0)) + 1, low + 1, [width, height]).astype(int)
        self.box = (slice(low[1], high[1]), slice(low[0], high[0]))  # rows, columns that may bend
        self._low, self._extent = low, high - low
        self.step = max(1.0, max(self._extent) / grid)
        self.grid = (int(np.ceil(self._extent[0] / self.step)), int(np.ceil(self._extent[1] / self.step)))

    def flow(self, target: NDArray[np.floating], shell: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
        """Where the pixels of ``box`` come from: (h, w, 2), x and y in source pixels.

        Args:
            target: Landmarks (478, 3) wanted, in pixels.
            shell: Where the points around the face go (36, 2 or 3); as far as the face oval moves by default, times
                ``follows``.
        """
        target = np.asarray(target[:MESH_POINTS], np.float64)
        face = sort_by_depth(target)
        triangles = np.concatenate([self._outer_triangles, face_triangles()[face]])
        kinds = np.concatenate([np.full(len(self._outer_triangles), OUTSIDE), np.full(len(face), SHOWN)])
        kinds[len(self._outer_triangles) :][find_hidden(self.points, target, self.style)[face]] = HIDDEN
        flow = _find_backward_flow(*self.nodes(target, shell), triangles, kinds, self)
        return self.enlarge_flow(flow)

    def nodes(
        self, target: NDArray[np.floating], shell: NDArray[np.floating] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of all triangles, (N, 2) before and after, in pixels from the corner of ``box``; see ``flow``."""
        placed: NDArray[np.float64] = np.asarray(target[:MESH_POINTS], np.float64)
        if shell is None:
            shell = self._shell + self._follows * (placed[FACE_OVAL] - self.points[FACE_OVAL])
        return self._nodes - self._low, self._all_nodes(placed, np.asarray(shell)) - self._low

    def enlarge_flow(
        self, cells: NDArray[np.floating], part: tuple[slice, slice] | None = None, *, coarse: int = 1
    ) -> NDArray[np.float32]:
        """Where pixels come from (h, w, 2), of how far each cell is carried back (rows, columns, 2).

        Args:
            cells: Of the whole grid.
            part: Rows and columns of ``box`` that are asked for; all by default.
            coarse: Cells of the grid, along either side, that are one of these.
        """
        flow = self.enlarge(cells.astype(np.float32, copy=False), part, coarse=coarse)
        row, column = (0, 0) if part is None else (part[0].start, part[1].start)
        flow[..., 0] += np.arange(column, column + flow.shape[1]) + self._low[0]
        flow[..., 1] += np.arange(row, row + flow.shape[0])[:, None] + self._low[1]
        return flow

    def enlarge(
        self, cells: NDArray[np.float32], part: tuple[slice, slice] | None = None, *, coarse: int = 1
    ) -> NDArray[np.float32]:
        """What is given for the cells of the grid (rows, columns, ...), for the pixels of ``box``, or of a part of it.

        A part is what all of it has there, to the bit: rows are left out before, columns after, as OpenCV rounds along
        them.
        """
        step, (columns, rows) = self.step * coarse, self._extent
        top, bottom = (0, int(rows)) if part is None else (part[0].start, part[0].stop)
        enlarge = np.array([[1 / step, 0, 0.5 / step - 0.5], [0, 1 / step, (top + 0.5) / step - 0.5]])
        flags, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (int(columns), bottom - top)
        made = cv2.warpAffine(cells, enlarge, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return made if part is None else made[:, part[1]]

    def _all_nodes(self, points: NDArray[np.float64], shell: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 2): the face, the shell, the ring and the outline."""
        return np.concatenate([points[:, :2], shell[:, :2], self._ring, trace_silhouette(points, self.style.sight)])

    def __call__(self, target: NDArray[np.floating], shell: NDArray[np.floating] | None = None) -> NDArray[Any]:
        """The source frame with its face moved to ``target`` (478, 3), at source resolution.

        Pixels outside ``box`` are the source's own, bit for bit.
        """
        out = self.frame.copy()
        flow = self.flow(target, shell)
        out[self.box] = sample_picture(self.frame, flow)
        return out


def sample_picture(picture: NDArray[Any], places: NDArray[np.float32]) -> NDArray[Any]:
    """A picture (H, W, ...) where it is asked for (h, w, 2), x and y in its pixels; beyond its border it is mirrored.

    Pixels, uint8, are told by cubic convolution: bilinear means blur skin that is carried by half a pixel. Other
    numbers, which must stay within what they are between, are told bilinearly.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech
    and Signal Processing, 1981.
    """
    how = cv2.INTER_CUBIC if picture.dtype == np.uint8 else cv2.INTER_LINEAR
    return cv2.remap(picture, places, None, how, borderMode=cv2.BORDER_REFLECT_101)


def trace_silhouette(points: NDArray[np.floating], sight: float = STYLE.sight) -> NDArray[np.float64]:
    """Where a face (478, 3) ends, seen from its middle past each point of its oval: (36, 2).

    Of a head that is turned, the oval's far side lies behind the cheek.

    Args:
        points: Of the face.
        sight: See ``WarpStyle``.
    """
    flat = np.asarray(points[:MESH_POINTS, :2], np.float64)
    centre = flat[FACE_OVAL].mean(0)
    away, oval = flat - centre, flat[FACE_OVAL] - centre
    reach = np.linalg.norm(oval, axis=1)
    directions = oval / np.maximum(reach, 1e-6)[:, None]
    along = away @ directions.T  # (468, 36)
    beside = np.abs(away @ np.stack([-directions[:, 1], directions[:, 0]]))
    beyond = np.where(beside < sight * along, along, 0.0).max(axis=0)
    return centre + directions * np.maximum(reach, beyond)[:, None]


def _triangulate_outside(outside: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles from the outer ring to the face oval, and those to its outline, which hide them."""
    triangles = Delaunay(outside).simplices
    count = len(FACE_OVAL)
    triangles = triangles[~(triangles < count).all(axis=1)]  # inside the oval the face mesh rules
    beyond = MESH_POINTS + np.arange(len(outside) - count)
    outline = MESH_POINTS + len(outside) - count + np.arange(count)
    to_oval, to_outline = (np.concatenate([inner, beyond])[triangles] for inner in (FACE_OVAL, outline))
    return to_oval.astype(np.int32), to_outline.astype(np.int32)


def _find_backward_flow(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    triangles: NDArray[np.int32],
    kinds: NDArray[np.int64],
    warp: MeshWarp,
) -> NDArray[np.float32]:
    """How far back each cell's centre is carried, (rows, columns, 2) in pixels.

    What is hidden in the source takes the colour of the face beside it.
    """
    step = warp.step
    owner = rasterise_triangles(target[triangles], warp.grid, step)
    centres = cell_centres(owner.shape, step)
    moved = trace_back(source[triangles], target[triangles], owner, centres, step)
    owned = np.where(owner >= 0, kinds[owner], OUTSIDE)
    if (owned == HIDDEN).any():
        # A mesh fits its face to some pixels only: at the edge of what is hidden it has something of the background.
        if warp.style.edge_cells:  # 0 iterations would go on until nothing changes
            owned[binary_dilation(owned == HIDDEN, iterations=warp.style.edge_cells) & (owned == SHOWN)] = HIDDEN
        moved[owned == HIDDEN] = moved[_find_nearest_shown(owned)][owned == HIDDEN]
    return np.where((owner >= 0)[..., None], moved - centres, 0.0).astype(np.float32)


def _find_nearest_shown(owned: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Row and column, for each cell, of the nearest of the face that the source shows, and not at its very edge."""
    shown = owned == SHOWN
    inside = binary_erosion(owned != OUTSIDE, iterations=2) & binary_erosion(shown | (owned == OUTSIDE), iterations=2)
    usable = inside & shown if (inside & shown).any() else shown
    return tuple(distance_transform_edt(~usable, return_distances=False, return_indices=True))
