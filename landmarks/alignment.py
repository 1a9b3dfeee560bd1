"""From the frame to a face crop of fixed size and back: one similarity per frame, exactly invertible.

The crop follows the head, not the mouth: its place comes from the head pose alone, so that speaking does not
move it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import OUTER_EYES
from facediff.types import Frame, RigidPose


@dataclass(frozen=True)
class CropTemplate:
    """Which part of the canonical face a crop shows.

    Attributes:
        size: Width and height of the crop in pixels.
        unit_px: Pixels of the crop per canonical unit (outer eye corner distance).
        anchor: Canonical point that is held fixed in the crop.
        anchor_px: Where the crop shows it, (x, y) in pixels.
    """

    size: tuple[int, int]
    unit_px: float
    anchor: tuple[float, float, float]
    anchor_px: tuple[float, float]

    def in_units(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Landmarks (..., 3) of a crop, from its pixels to eye distances from its anchor."""
        return ((points - np.array([*self.anchor_px, 0.0])) / self.unit_px).astype(np.float32)


# The whole face, chin and forehead included, with room for an open mouth and for 25 degrees of yaw to either side.
FACE = CropTemplate(size=(224, 224), unit_px=104.0, anchor=(0.0, 0.4, -0.2), anchor_px=(112.0, 108.0))
# From the nose to below the chin, at half as much again: where speech shows.
MOUTH = CropTemplate(size=(160, 128), unit_px=144.0, anchor=(0.0, 0.8, -0.28), anchor_px=(80.0, 54.0))


@dataclass(frozen=True)
class Alignment:
    """Similarities (T, 2, 3) from frame pixels to crop pixels, and the crop's width and height."""

    matrices: NDArray[np.float32]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def inverses(self) -> NDArray[np.float32]:
        """(T, 2, 3) similarities from crop pixels back to frame pixels."""
        linear = np.linalg.inv(self.matrices[:, :, :2])
        return np.concatenate([linear, -linear @ self.matrices[:, :, 2:]], axis=2).astype(np.float32)

    def crop(self, frame: Frame, index: int) -> Frame:
        """The crop of one frame; beyond the border the nearest pixels repeat."""
        return warp_affine(frame, self.matrices[index], self.size)

    def to_crop(self, points: NDArray[np.floating], index: int) -> NDArray[np.float32]:
        """Points (N, 2 or 3) of the frame in pixels of the crop, (N, 2)."""
        m = self.matrices[index]
        return (np.asarray(points, np.float32)[..., :2] @ m[:, :2].T + m[:, 2]).astype(np.float32)


def warp_affine(image: NDArray, matrix: NDArray[np.floating], size: tuple[int, int]) -> NDArray:
    """``image`` seen through a similarity; when it shrinks more than twofold, averaged first against aliasing."""
    matrix = np.asarray(matrix, np.float64)
    shrink = 1.0 / max(np.sqrt(abs(np.linalg.det(matrix[:, :2]))), 1e-6)
    if shrink > 2.0:
        step = int(shrink)
        height, width = image.shape[:2]
        small = (max(1, width // step), max(1, height // step))
        ratio = np.array([width / small[0], height / small[1]])
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        # Pixel centres: x_big = ratio * (x_small + 0.5) - 0.5
        offset = matrix[:, :2] @ (0.5 * ratio - 0.5) + matrix[:, 2]
        matrix = np.concatenate([matrix[:, :2] * ratio, offset[:, None]], axis=1)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def align(pose: RigidPose, template: CropTemplate) -> Alignment:
    """The crop of ``template`` that follows the head.

    Scale comes from the head's size and the roll is taken out; yaw and pitch stay visible, with the anchor,
    carried along in 3D, at its place.
    """
    anchor = np.einsum("tij,j->ti", pose.rotation, np.asarray(template.anchor, np.float32))
    anchor = anchor * pose.scale[:, None] + pose.translation
    # Copies: the arctangent of a view, in numpy 1, differs in its last bit with where its result happens to lie.
    roll = np.arctan2(pose.rotation[:, 1, 0].copy(), pose.rotation[:, 0, 0].copy())
    zoom = template.unit_px / pose.scale
    cos, sin = np.cos(roll) * zoom, np.sin(roll) * zoom
    linear = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
    shift = np.asarray(template.anchor_px, np.float32) - np.einsum("tij,tj->ti", linear, anchor[:, :2])
    matrices = np.concatenate([linear, shift[:, :, None]], axis=2)
    return Alignment(matrices.astype(np.float32), template.size)


def distances_after_alignment(points: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far (T, N) the points of shapes (T, N, 2) are from another's (N, 2) when laid over it, in eye distances.

    Place, size and roll do not count. Complex numbers make the best similarity a single division.
    """
    a, b = (np.asarray(p, np.float64) for p in (points, other))
    moving, fixed = a[..., 0] + 1j * a[..., 1], b[..., 0] + 1j * b[..., 1]
    moving, fixed = moving - moving.mean(-1, keepdims=True), fixed - fixed.mean()
    turn = (moving.conj() * fixed).sum(-1) / (np.abs(moving) ** 2).sum(-1)
    return np.abs(turn[:, None] * moving - fixed) / np.abs(fixed[OUTER_EYES[0]] - fixed[OUTER_EYES[1]])
