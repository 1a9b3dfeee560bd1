"""Lips that shut over a smile meet in a line; a mesh leaves slivers of the teeth that it has pressed together."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER
from facediff.motion.coefficients import lip_opening
from facediff.rendering.frame import WarpedFace


@dataclass(frozen=True)
class SealStyle:
    """How lips that shut over a smile are drawn. Distances in eye distances.

    Set by eye on training portraits that smile and speak ("Lips that shut over a smile meet in a line", November 2026);
    no range was swept.

    Attributes:
        showing: Opening of a source's lips from which it shows teeth.
        touching: Opening of lips that are shut.
        ajar: Opening of lips that are not yet.
        line: Half the width of the shadow where lips meet.
        line_dark: How dark it is, from 0 to 1.
        lip_from: From that line to where lips are what a mesh has carried.
        lip_fade: Over which what is drawn ends.
        corner: The same, from the corners of the mouth.
    """

    showing: float = 0.03
    touching: float = 0.022
    ajar: float = 0.038
    line: float = 0.009
    line_dark: float = 0.5
    lip_from: float = 0.028
    lip_fade: float = 0.012
    corner: float = 0.04


def measure_lip_seal(face: WarpedFace, style: SealStyle = SealStyle()) -> float:
    """How much lips shut on teeth that the source shows, from 0 to 1."""
    if face.source_points is None:
        return 0.0
    shown, wanted = lip_opening(np.stack([face.source_points, face.points])) / face.pose.scale[0]
    return float(
        np.clip((shown - style.showing) / style.showing, 0, 1)
        * np.clip((style.ajar - wanted) / (style.ajar - style.touching), 0, 1)
    )


def seal_lips(
    window: NDArray[np.float32], points: NDArray[np.floating], unit: float, style: SealStyle = SealStyle()
) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with the line where lips meet drawn over what a mesh has pressed into it.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        unit: Its pixels to an eye distance.
        style: How the line is drawn.
    """
    height, width = window.shape[:2]
    hidden, shown = find_lip_edges(points, (width, height))
    line = (hidden + shown) / 2
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    off = (y - line) / unit
    reach = (shown - hidden) / (2 * unit) + style.lip_from
    upper, lower = (
        cv2.remap(window, x, np.broadcast_to(line + side * reach * unit, x.shape).astype(np.float32), cv2.INTER_LINEAR)
        for side in (-1, 1)
    )
    share = np.clip(off / (2 * reach) + 0.5, 0, 1)[..., None]
    lips = upper + share * (lower - upper)
    made = lips * (1 - style.line_dark * np.exp(-((off / style.line) ** 2)))[..., None]
    corners = np.clip(np.minimum(x - points[78, 0], points[308, 0] - x) / (style.corner * unit), 0, 1)
    cover = corners * masks.smoothstep((reach + style.lip_fade - np.abs(off)) / style.lip_fade)
    return window + cover[..., None] * (made - window)


def find_lip_edges(
    points: NDArray[np.floating], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows (W,) at which the upper lip ends and the lower one begins."""
    x = np.arange(size[0], dtype=np.float32)
    lower, upper = points[LIPS_INNER[:11], :2], points[np.roll(LIPS_INNER, -10)[10::-1], :2]
    return np.interp(x, *upper.T).astype(np.float32), np.interp(x, *lower.T).astype(np.float32)
