"""Lips that shut over a smile meet in a line; a mesh leaves slivers of the teeth that it has pressed together."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER
from facediff.motion.coefficients import lip_opening
from facediff.rendering.frame import WarpedFrame

SHOWING, TOUCHING, AJAR = 0.03, 0.022, 0.038  # openings that show teeth, that are shut, and that are not yet
LINE, LINE_DARK = 0.009, 0.5  # of the shadow where lips meet: half its width in eye distances, and how dark it is
LIP_FROM, LIP_FADE, CORNER = 0.028, 0.012, 0.04  # eye distances from that line, and from the corners of the mouth


def measure_lip_seal(shot: WarpedFrame) -> float:
    """How much lips shut on teeth that the source shows, from 0 to 1."""
    if shot.origin is None:
        return 0.0
    shown, wanted = lip_opening(np.stack([shot.origin, shot.points])) / shot.pose.scale[0]
    return float(np.clip((shown - SHOWING) / SHOWING, 0, 1) * np.clip((AJAR - wanted) / (AJAR - TOUCHING), 0, 1))


def seal_lips(window: NDArray[np.float32], points: NDArray[np.floating], unit: float) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with the line where lips meet drawn over what a mesh has pressed into it.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        unit: Its pixels to an eye distance.
    """
    height, width = window.shape[:2]
    hidden, shown = find_lip_edges(points, (width, height))
    line = (hidden + shown) / 2
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    off = (y - line) / unit
    reach = (shown - hidden) / (2 * unit) + LIP_FROM
    upper, lower = (
        cv2.remap(window, x, np.broadcast_to(line + side * reach * unit, x.shape).astype(np.float32), cv2.INTER_LINEAR)
        for side in (-1, 1)
    )
    share = np.clip(off / (2 * reach) + 0.5, 0, 1)[..., None]
    lips = upper + share * (lower - upper)
    made = lips * (1 - LINE_DARK * np.exp(-((off / LINE) ** 2)))[..., None]
    corners = np.clip(np.minimum(x - points[78, 0], points[308, 0] - x) / (CORNER * unit), 0, 1)
    cover = corners * masks.smoothstep((reach + LIP_FADE - np.abs(off)) / LIP_FADE)
    return window + cover[..., None] * (made - window)


def find_lip_edges(
    points: NDArray[np.floating], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows (W,) at which the upper lip ends and the lower one begins."""
    x = np.arange(size[0], dtype=np.float32)
    lower, upper = points[LIPS_INNER[:11], :2], points[np.roll(LIPS_INNER, -10)[10::-1], :2]
    return np.interp(x, *upper.T).astype(np.float32), np.interp(x, *lower.T).astype(np.float32)
