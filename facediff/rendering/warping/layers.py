"""The coarse stage in two layers: the person moves, and what is behind stays where it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.head_pose import count_quarter_turns
from facediff.landmarks.mesh import FACE_OVAL, OUTER_EYES
from facediff.landmarks.segmentation import person_mask
from facediff.landmarks.silhouette import split_layers
from facediff.landmarks.warp import MeshWarp
from facediff.rendering.background import make_backdrop, measure_busyness
from facediff.rendering.frame import add_matte
from facediff.types import Frame


@dataclass(frozen=True)
class LayerStyle:
    """When a background is kept apart from the person before it. Distances in eye distances.

    Set by eye on training portraits before busy walls ("A busy background stays straight", November 2026); no range
    was swept.

    Attributes:
        moved: By which a pixel must be carried for the backdrop to show instead.
        edge: Around a person where the background has something of them.
        plain: Levels to a pixel, at ``background.PLAIN_UNIT`` pixels to an eye distance: no line in such a background
            could bend.
    """

    moved: float = 0.03
    edge: float = 0.05
    plain: float = 4.0


class LayeredWarp:
    """A mesh warp of the person in a picture, over a backdrop that does not bend.

    Where the picture does not move it is the picture, bit for bit. All of it is warped where no person is told from a
    background, and where that is plain: nothing in it could be seen to bend, and loose hair stays with its head.

    Args:
        frame: Source picture (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
        style: When its background is kept apart.
    """

    def __init__(self, frame: Frame, points: NDArray[np.floating], style: LayerStyle = LayerStyle()) -> None:
        self._style = style
        self._warp = MeshWarp(frame, points)
        self._unit = float(np.linalg.norm(points[OUTER_EYES[0], :2] - points[OUTER_EYES[1], :2]))
        box, mask, self._backdrop = self._warp.box, person_mask(frame, count_quarter_turns(points)), None
        self._person = np.clip((mask - 0.1) / 0.7, 0, 1)  # what is nearly a person is one: no wall shines through
        side = 2 * max(1, round(style.edge * self._unit)) + 1
        self._surely = cv2.erode(self._person, np.ones((side, side), np.uint8))
        is_told = _mean_inside(mask, points[FACE_OVAL, :2]) > 0.9
        if is_told and measure_busyness(frame[box], self._person[box], self._unit) > style.plain:
            self._backdrop = make_backdrop(frame, mask, style.edge * self._unit)[box]

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture with the face at ``target`` (478, 3), at source resolution."""
        layers = split_layers(self._warp, target, self._surely)
        out, box = self._warp.frame.copy(), self._warp.box
        if self._backdrop is None:
            out[box] = layers(out)
        else:
            made, person = layers.carry(out, self._person)
            x, y = cv2.split(layers.flow)
            x -= np.arange(box[1].start, box[1].stop, dtype=np.float32)
            y -= np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None]
            moved = np.clip(cv2.magnitude(x, y) / (self._style.moved * self._unit), 0, 1)
            behind = (moved * (1 - person))[..., None]
            out[box] = np.rint(made + behind * (self._backdrop - made))
        return out


class CutOutWarp:
    """A mesh warp of a person who was cut out: nothing is behind them, and their matte bends with them.

    Args:
        frame: Source picture (H, W, 3) uint8, with the person's colours carried on around them.
        points: Its landmarks (478, 3) in pixels.
        matte: (H, W) how much of each pixel is the person, 255 is all.
        style: What the edge of a person is.
    """

    def __init__(
        self,
        frame: Frame,
        points: NDArray[np.floating],
        matte: NDArray[np.uint8],
        style: LayerStyle = LayerStyle(),
    ) -> None:
        self._warp = MeshWarp(add_matte(frame, matte), points)
        unit = float(np.linalg.norm(points[OUTER_EYES[0], :2] - points[OUTER_EYES[1], :2]))
        side = 2 * max(1, round(style.edge * unit)) + 1
        self._surely = cv2.erode(matte.astype(np.float32) / 255, np.ones((side, side), np.uint8))

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture with the face at ``target`` (478, 3), at source resolution, its matte as a fourth channel."""
        out = self._warp.frame.copy()
        out[self._warp.box] = split_layers(self._warp, target, self._surely)(out)
        return out


def _mean_inside(mask: NDArray[np.float32], polygon: NDArray[np.floating]) -> float:
    inside = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(polygon).astype(np.int32)], 1)
    return float(mask[inside > 0].mean()) if inside.any() else 0.0
