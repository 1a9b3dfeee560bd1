"""What changes from frame to frame and should not, measured."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.evaluation.faces import seen
from facediff.landmarks.mesh import FACE_OVAL
from facediff.types import FaceTrack, Frame

SIZE = 128  # pixels square at which flicker is measured, so that films of all sizes compare


def flicker(frames: Iterable[Frame], track: FaceTrack) -> float | None:
    """How much a video trembles outside the face, in levels of 255; lower is better, and 0 is a still.

    The mean absolute second difference over time, ``|a - 2 b + c|`` of three neighbouring frames, of what no frame's
    face covers. A camera that pans evenly has little of it, noise and jitter much. None where there are fewer than
    three frames, or faces cover everything.

    Args:
        frames: Of the video, read once; three are held.
        track: Of the face in it.
    """
    away = _never_covered(track)
    if not away.any():
        return None
    jumps: list[float] = []
    last: list[NDArray[np.float32]] = []
    for frame in frames:
        small = cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[away].astype(np.float32)
        last = [*last[-2:], small]
        if len(last) == 3:
            jumps.append(float(np.abs(last[0] - 2 * last[1] + last[2]).mean()))
    return float(np.mean(jumps)) if jumps else None


def _never_covered(track: FaceTrack) -> NDArray[np.bool_]:
    """(SIZE, SIZE) what lies outside the convex hull of the face in all frames."""
    covered = np.zeros((SIZE, SIZE), np.uint8)
    for points in track.points[seen(track)]:
        oval = (points[FACE_OVAL, :2] * (SIZE / np.array(track.size))).astype(np.int32)
        cv2.fillConvexPoly(covered, cv2.convexHull(oval), 1)
    return covered == 0
