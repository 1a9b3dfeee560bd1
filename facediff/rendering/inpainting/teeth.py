"""Teeth that a picture shows, for when its mouth opens further.

Carried by a mesh they would grow with the opening, and a denoiser of few steps paints a pale row in their place. The
upper row hangs on the skull, a lower one goes down with the lip; what a wider mouth shows beyond is the dark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER, LOWER_LIP, SUBNASALE
from facediff.landmarks.silhouette import push_pull
from facediff.rendering.frame import SourceTeeth
from facediff.rendering.inpainting.window import mouth_window
from facediff.types import Frame, RigidPose

LIP_EDGE = 0.012  # eye distances inside the line of the lips in which a picture still has something of them
RISE = 0.12  # eye distances by which a lip may draw back and uncover more of the same
FEATHER = 0.02  # eye distances over which a row ends
LIGHT, PALE = (
    0.7,
    0.85,
)  # of teeth, over the skin's: how light they are at least, and how far they have a colour at most
FEW, ENOUGH = 0.1, 0.25  # shares of what is seen between lips that make no row, and one
SKIN = 0.04, 0.12  # eye distances around the lips: skin


def find_source_teeth(image: Frame, points: NDArray[np.floating], pose: RigidPose) -> SourceTeeth | None:
    """The teeth between the lips of a picture; None where there are next to none.

    Args:
        image: (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
        pose: Its head pose, one row.
    """
    window = mouth_window(points, pose)
    size, unit = window.size, window.unit
    picture = window.alignment.crop(image, 0).astype(np.float32)
    between = masks.region(window.points[LIPS_INNER], size, unit) > 0.5
    inset = 2 * max(1, round(LIP_EDGE * unit)) + 1
    known = cv2.erode(between.astype(np.uint8), np.ones((inset, inset), np.uint8))
    near, far = (masks.region(window.points[LIPS_OUTER], size, unit, reach=reach) for reach in SKIN)
    row = _like_teeth(picture, np.average(picture.reshape(-1, 3), axis=0, weights=(far - near + 1e-6).ravel()))
    row &= known > 0
    share = float(np.clip((row.sum() / max(known.sum(), 1) - FEW) / (ENOUGH - FEW), 0, 1))
    if not share:
        return None
    solid = known[..., None].astype(np.float32)
    picture = solid * picture + (1 - solid) * push_pull(picture, known)
    is_lower = _stands(row, known > 0)
    draws_back = np.ones((max(1, round(RISE * unit)), 1), np.uint8)
    cover = cv2.dilate(known, draws_back, anchor=(0, len(draws_back) - 1 if is_lower else 0))
    soft = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), FEATHER * unit / 2)
    point = LOWER_LIP if is_lower else SUBNASALE
    return SourceTeeth(np.dstack([picture, soft]), window.linear, window.points[point, :2], point, share)


def _like_teeth(picture: NDArray[np.float32], skin: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where a picture (H, W, 3) is as light and pale as teeth are, beside skin of a colour (3,)."""
    light = picture.mean(axis=2) > LIGHT * skin.mean()
    colour = 1 - picture.min(axis=2) / np.maximum(picture.max(axis=2), 1)
    return light & (colour < PALE * (1 - skin.min() / skin.max()))


def _stands(row: NDArray[np.bool_], between: NDArray[np.bool_]) -> bool:
    """Whether a row of teeth (H, W) is nearer to the lower lip than to the upper one; ``between`` are both."""
    columns = row.any(axis=0)
    above = row[:, columns].argmax(axis=0) - between[:, columns].argmax(axis=0)
    below = row[::-1, columns].argmax(axis=0) - between[::-1, columns].argmax(axis=0)
    return bool(above.mean() > 2 * below.mean())
