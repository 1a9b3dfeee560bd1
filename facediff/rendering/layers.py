"""The coarse stage in two layers: the person moves, and what is behind stays where it is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import FACE_OVAL, OUTER_EYES
from facediff.landmarks.segmentation import person_mask
from facediff.landmarks.silhouette import split
from facediff.landmarks.warp import MeshWarp
from facediff.types import Frame

MOVED = 0.03  # eye distances by which a pixel must be carried for the backdrop to show instead
EDGE = 0.05  # eye distances around a person where the background has something of them
PLAIN = 4.0  # levels to a pixel, at PLAIN_UNIT pixels to an eye distance: no line in such a background could bend
PLAIN_UNIT = 24
PLATE_SIDE = 320  # pixels of the longer side at which the backdrop behind a person is made up


class LayeredWarp:
    """A mesh warp of the person in a picture, over a backdrop that does not bend.

    Where the picture does not move it is the picture, bit for bit. All of it is warped where no person is told from a
    background, and where that is plain: nothing in it could be seen to bend, and loose hair stays with its head.

    Args:
        frame: Source picture (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
    """

    def __init__(self, frame: Frame, points: NDArray[np.floating]) -> None:
        self._warp = MeshWarp(frame, points)
        self._unit = float(np.linalg.norm(points[OUTER_EYES[0], :2] - points[OUTER_EYES[1], :2]))
        box, mask, self._backdrop = self._warp.box, person_mask(frame), None
        self._person = np.clip((mask - 0.1) / 0.7, 0, 1)  # what is nearly a person is one: no wall shines through
        side = 2 * max(1, round(EDGE * self._unit)) + 1
        self._surely = cv2.erode(self._person, np.ones((side, side), np.uint8))
        is_told = _mean_inside(mask, points[FACE_OVAL, :2]) > 0.9
        if is_told and busyness(frame[box], self._person[box], self._unit) > PLAIN:
            self._backdrop = backdrop(frame, mask, EDGE * self._unit)[box]

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture with the face at ``target`` (478, 3), at source resolution."""
        layers = split(self._warp, target, self._surely)
        out, box = self._warp.frame.copy(), self._warp.box
        made = layers(out)
        if self._backdrop is not None:
            x, y = cv2.split(layers.flow)
            x -= np.arange(box[1].start, box[1].stop, dtype=np.float32)
            y -= np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None]
            moved = np.clip(cv2.magnitude(x, y) / (MOVED * self._unit), 0, 1)
            behind = (moved * (1 - layers(self._person)))[..., None]
            made = np.rint(made + behind * (self._backdrop - made)).astype(np.uint8)
        out[box] = made
        return out


def backdrop(frame: Frame, mask: NDArray[np.float32], edge_px: float) -> NDArray[np.float32]:
    """The picture (H, W, 3) float32 with the person taken out, made up behind them from what is around.

    Args:
        frame: (H, W, 3) uint8.
        mask: (H, W) in [0, 1], see ``person_mask``.
        edge_px: How far around the person the picture still has something of them.
    """
    side = 2 * max(1, round(edge_px)) + 1
    hidden = cv2.dilate((mask > 0.1).astype(np.uint8), np.ones((side, side), np.uint8))
    height, width = frame.shape[:2]
    zoom = min(1.0, PLATE_SIDE / max(height, width))
    size = (max(8, round(width * zoom)), max(8, round(height * zoom)))
    small, gap = cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.resize(hidden, size)
    filled = cv2.inpaint(small, gap, 3, cv2.INPAINT_TELEA)
    filled = cv2.GaussianBlur(filled, (0, 0), 2)
    made_up = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    share = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), max(1.0, edge_px / 2))[..., None]
    return frame + share * (made_up - frame)


def busyness(frame: Frame, mask: NDArray[np.float32], unit_px: float) -> float:
    """How steep, in levels to a pixel, the steeper tenth of a background is; 0 where there is none.

    Args:
        frame: (H, W, 3) uint8.
        mask: (H, W) in [0, 1], see ``person_mask``.
        unit_px: Pixels per eye distance; the picture is looked at with ``PLAIN_UNIT`` of them.
    """
    zoom = PLAIN_UNIT / unit_px
    size = (max(8, round(frame.shape[1] * zoom)), max(8, round(frame.shape[0] * zoom)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    person = cv2.dilate(cv2.resize((mask > 0.1).astype(np.uint8), size), np.ones((5, 5), np.uint8))
    across, down = (cv2.Sobel(small, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    steepness = np.sqrt((across**2 + down**2).sum(axis=2))[person == 0]
    return float(np.percentile(steepness, 90)) if steepness.size else 0.0


def _mean_inside(mask: NDArray[np.float32], polygon: NDArray[np.floating]) -> float:
    inside = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(polygon).astype(np.int32)], 1)
    return float(mask[inside > 0].mean()) if inside.any() else 0.0
