"""A webcam's frames to a motion."""

from __future__ import annotations

import cv2
import numpy as np

from facediff.live.follower import _SEARCH_EVERY, DriverReader
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


def test_a_picture_that_becomes_smaller_moves_nobody(close_up):
    reader = DriverReader()
    try:
        aside = np.roll(np.pad(close_up, ((64, 64), (64, 64), (0, 0)), "edge"), 8, axis=1)
        for _ in range(14):
            reader.read(np.roll(aside, -8, axis=1))
        for _ in range(3):
            there = reader.read(aside)
        for smaller in (0.75, 0.5, 1.0):
            row = reader.read(cv2.resize(aside, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA))
            np.testing.assert_allclose(row[coefficients.SHIFT], there[coefficients.SHIFT], atol=0.02)
            np.testing.assert_allclose(row[coefficients.ANGLES], there[coefficients.ANGLES], atol=3)
    finally:
        reader.close()


def test_another_camera_and_who_was_gone_are_learnt_anew(close_up):
    reader = DriverReader()
    try:
        around = np.pad(close_up, ((64, 64), (64, 64), (0, 0)), "edge")
        for _ in range(14):
            reader.read(around)
        wide = reader.read(np.pad(around, ((0, 0), (0, 100), (0, 0)), "edge")[:, ::-1].copy())
        assert np.abs(wide[coefficients.SHIFT]).max() < 0.02
        grey = np.full_like(around, 128)
        for _ in range(14):
            reader.read(around)
        assert all(reader.read(grey) is None for _ in range(80))
        for _ in range(_SEARCH_EVERY):
            row = reader.read(np.roll(around, 24, axis=1))
        assert np.abs(row[coefficients.SHIFT]).max() < 0.02
    finally:
        reader.close()


def test_no_face_is_no_motion():
    reader = DriverReader()
    try:
        assert reader.read(np.full((120, 160, 3), 90, np.uint8)) is None
    finally:
        reader.close()
