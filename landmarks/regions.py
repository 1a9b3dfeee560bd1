"""Upright squares of a picture around a face, the way from a picture to them and back.

As in MediaPipe's face_landmark_front graph of the 0.10 line, whose calculators are named where they are followed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.landmarks.blaze import as_input
from facediff.landmarks.mesh import OUTER_EYES
from facediff.types import Frame, Points

ROOM = 1.5  # a region's side, in sides of the box around the face


class Region(NamedTuple):
    """A square in a picture, in pixels; turned by an angle in radians, clockwise as pictures are seen."""

    x: float
    y: float
    side: float
    angle: float


def region_around(
    low: NDArray[np.floating], high: NDArray[np.floating], eyes: NDArray[np.floating], room: float = ROOM
) -> Region:
    """The square with room around a box (x, y), in which two eyes (2, 2) are level (RectTransformationCalculator)."""
    x, y = (low + high) / 2
    way = eyes[1] - eyes[0]
    return Region(float(x), float(y), room * float(max(high - low)), math.atan2(way[1], way[0]))


def region_of_mesh(mesh: Points) -> Region:
    """Where the face of a mesh (478, 3) is looked for in the next frame."""
    flat = mesh[:, :2].astype(np.float64)
    return region_around(flat.min(0), flat.max(0), flat[list(OUTER_EYES)])


def crop_region(image: Frame, region: Region, side: int, *, replicate: bool) -> Frame:
    """(side, side, 3): what an RGB picture shows in a region; beyond its edges the last pixels, or black.

    As ImageToTensorCalculator does it on a CPU: bilinear, without regard to how much it shrinks.
    """
    square = ((region.x, region.y), (region.side, region.side), math.degrees(region.angle))
    return _warp(image, cv2.boxPoints(square), side, cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT)


def whole_picture(image: Frame) -> Region:
    """The square around all of a picture."""
    height, width = image.shape[:2]
    return Region(width / 2, height / 2, float(max(width, height)), 0.0)


def squeeze(image: Frame, side: int) -> Frame:
    """(side, side, 3): all of a picture, at whatever proportions."""
    height, width = image.shape[:2]
    return _warp(image, cv2.boxPoints(((width / 2, height / 2), (width, height), 0.0)), side, cv2.BORDER_CONSTANT)


def _warp(image: Frame, corners: NDArray[np.float32], side: int, border: int) -> Frame:
    """A parallelogram, given by its lower left, upper left and upper right corner and the last, as a square."""
    target = np.array([[0, side], [0, 0], [side, 0], [side, side]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.asarray(corners, np.float32), target)
    return cv2.warpPerspective(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)


def to_unit(crop: Frame) -> Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return as_input(torch.from_numpy(crop)).float().mul_(1 / 255)


def to_signed(crop: Frame) -> Tensor:
    """(1, 3, H, W) in [-1, 1]."""
    return as_input(torch.from_numpy(crop)).float().mul_(2 / 255).sub_(1)


def from_region(points: NDArray[np.floating], region: Region, side: int) -> Points:
    """Points (N, 3) of a crop of so many pixels, in pixels of the picture (LandmarkProjectionCalculator)."""
    zoom = region.side / side
    cos, sin = zoom * math.cos(region.angle), zoom * math.sin(region.angle)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, zoom]])
    corner = np.array([region.x, region.y, 0]) - np.array([side / 2, side / 2, 0]) @ turn
    return (points @ turn + corner).astype(np.float32)


def overlap(a: Region, b: Region) -> float:
    """Shared part of two squares, whatever their angles, of what both cover."""
    reach = (a.side + b.side) / 2
    wide = min(reach - abs(a.x - b.x), a.side, b.side)
    high = min(reach - abs(a.y - b.y), a.side, b.side)
    shared = max(wide, 0.0) * max(high, 0.0)
    return shared / (a.side**2 + b.side**2 - shared) if shared else 0.0


def join_regions(found: list[Region], followed: list[Region], least: float = 0.5) -> list[Region]:
    """Regions of all faces, each once; of those that overlap the last, a followed one (AssociationCalculator)."""
    joined: list[Region] = []
    for region in (*found, *followed):
        joined = [other for other in joined if overlap(other, region) <= least]
        joined.append(region)
    return joined
