"""Landmarks drawn on a frame, for eyes: to check a track, and for the manual."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import (
    FACE_OVAL,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    MESH_POINTS,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
)
from facediff.landmarks.warp import face_triangles
from facediff.types import Frame

Colour = tuple[int, int, int]
FACE, LIPS, EYES, BROWS = (235, 235, 235), (255, 96, 96), (96, 208, 255), (255, 208, 64)
CONTOURS: tuple[tuple[NDArray[np.int_], Colour], ...] = (
    (FACE_OVAL, FACE),
    (LIPS_OUTER, LIPS),
    (LIPS_INNER, LIPS),
    (RIGHT_EYE, EYES),
    (LEFT_EYE, EYES),
    (RIGHT_IRIS[1:], EYES),
    (LEFT_IRIS[1:], EYES),
    (RIGHT_BROW, BROWS),
    (LEFT_BROW, BROWS),
)
_SHIFT = 4  # drawing coordinates are in sixteenths of a pixel


def draw_points(frame: Frame, points: NDArray[np.floating], *, colour: Colour = EYES, radius: float = 1.2) -> Frame:
    """A copy of the frame with a dot on each landmark.

    Args:
        frame: (H, W, 3) uint8.
        points: (N, 2 or 3) in pixels; a face that is absent (NaN) draws nothing.
        colour: RGB.
        radius: Of the dots, in pixels.
    """
    out = frame.copy()
    for x, y in _fixed_point(points):
        cv2.circle(out, (int(x), int(y)), round(radius * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT)
    return out


def draw_contours(frame: Frame, points: NDArray[np.floating], *, thickness: int = 1) -> Frame:
    """A copy of the frame with the outlines of face, lips, eyes, irises and brows.

    Args:
        frame: (H, W, 3) uint8.
        points: (478, 2 or 3) in pixels; a face that is absent (NaN) draws nothing.
        thickness: Of the lines, in pixels.
    """
    out, fixed = frame.copy(), _fixed_point(points)
    for line, colour in CONTOURS if len(fixed) else ():
        cv2.polylines(out, [fixed[line]], True, colour, thickness, cv2.LINE_AA, _SHIFT)
    return out


def draw_mesh(frame: Frame, points: NDArray[np.floating], *, colour: Colour = FACE, opacity: float = 0.5) -> Frame:
    """A copy of the frame with the triangles of the mesh that the warp bends.

    Args:
        frame: (H, W, 3) uint8.
        points: (478, 2 or 3) in pixels; a face that is absent (NaN) draws nothing.
        colour: RGB.
        opacity: From 0 to 1.
    """
    out, fixed = frame.copy(), _fixed_point(points)
    if len(fixed):
        cv2.polylines(out, list(fixed[:MESH_POINTS][face_triangles()]), True, colour, 1, cv2.LINE_AA, _SHIFT)
    return cv2.addWeighted(out, opacity, frame, 1.0 - opacity, 0.0)


def _fixed_point(points: NDArray[np.floating]) -> NDArray[np.int32]:
    flat = np.asarray(points, np.float64)[:, :2]
    if not np.isfinite(flat).all():
        return np.zeros((0, 2), np.int32)
    return np.rint(flat * 2**_SHIFT).astype(np.int32)
