"""A webcam's frames to a motion."""

from __future__ import annotations

import numpy as np

from facediff.live.follower import DriverReader
from facediff.motion import coefficients


def test_a_face_that_moves_aside_moves_the_head_and_comes_back(close_up):
    reader = DriverReader()
    try:
        around = np.pad(close_up, ((64, 64), (64, 64), (0, 0)), "edge")
        for _ in range(14):
            rest = reader.read(around)
        assert np.abs(rest[coefficients.SHIFT]).max() < 0.02
        aside = [reader.read(np.roll(around, shift, axis=1)) for shift in (4, 8, 12, 16)]
        right = [row[coefficients.SHIFT.start] for row in aside]
        assert right == sorted(right) and right[-1] > 0.08
        back = reader.read(around)
        assert abs(back[coefficients.SHIFT.start]) < 0.03
    finally:
        reader.close()


def test_no_face_is_no_motion():
    reader = DriverReader()
    try:
        assert reader.read(np.full((120, 160, 3), 90, np.uint8)) is None
    finally:
        reader.close()
