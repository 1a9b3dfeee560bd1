"""Where the inside of a mouth is drawn: a window of its own, upright and fine."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import MOUTH, Alignment, align
from facediff.rendering.crops import choose_drawing_unit, place_in_crop
from facediff.types import RigidPose

FINEST = 240  # pixels to an eye distance in which mouths are drawn
SIZE, ABOVE = (0.96, 0.72), 0.26  # eye distances of the part of a face that is drawn, and above its anchor


class MouthWindow(NamedTuple):
    """A mouth, upright, as it is drawn.

    Attributes:
        alignment: Between frame and window.
        size: Width and height.
        unit: Pixels to an eye distance.
        points: Landmarks (478, 3) in its pixels.
        linear: (2, 2) from eye distances across and down the face to its pixels.
    """

    alignment: Alignment
    size: tuple[int, int]
    unit: float
    points: NDArray[np.float32]
    linear: NDArray[np.float32]


def align_mouth(points: NDArray[np.floating], pose: RigidPose) -> MouthWindow:
    """The window around the mouth of a face with landmarks (478, 3) in a frame, and a head pose, one row."""
    unit = choose_drawing_unit(float(pose.scale[0]), FINEST)
    size = (round(SIZE[0] * unit), round(SIZE[1] * unit))
    template = replace(MOUTH, size=size, unit_px=unit, anchor_px=(size[0] / 2, ABOVE * unit))
    alignment = align(pose, template)
    linear = alignment.matrices[0, :, :2] @ (pose.rotation[0, :2, :2] * pose.scale[0])
    return MouthWindow(alignment, size, unit, place_in_crop(points, alignment, pose, template), linear)
