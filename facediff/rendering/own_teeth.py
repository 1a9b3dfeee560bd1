"""Teeth that a picture shows, for when its mouth opens further: they stay where the skull holds them.

Carried by a mesh they would grow with the opening, and a denoiser of few steps paints a pale row in their place. The
upper row hangs on the skull; what a wider mouth shows below it is the dark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER, SUBNASALE
from facediff.landmarks.silhouette import filled_in
from facediff.rendering.shot import OwnTeeth, mouth_window
from facediff.types import Frame, RigidPose

LIP_EDGE = 0.012  # eye distances inside the line of the lips in which a picture still has something of them
RISE = 0.12  # eye distances by which an upper lip may rise and uncover more of the same
FEATHER = 0.02  # eye distances over which a row ends below


def own_teeth(image: Frame, points: NDArray[np.floating], pose: RigidPose) -> OwnTeeth | None:
    """What is between the lips of a picture; None where that is next to nothing.

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
    if not known.any():
        return None
    share = known[..., None].astype(np.float32)
    picture = share * picture + (1 - share) * filled_in(picture, known)
    rise = max(1, round(RISE * unit))
    cover = cv2.dilate(known, np.ones((rise, 1), np.uint8), anchor=(0, 0))
    soft = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), FEATHER * unit / 2)
    return OwnTeeth(np.dstack([picture, soft]), window.linear, window.points[SUBNASALE, :2])
