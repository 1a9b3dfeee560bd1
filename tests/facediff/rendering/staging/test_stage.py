"""Frames are put before what is wanted behind them."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.rendering.staging import stage as module
from facediff.rendering.staging.framing import Window
from facediff.rendering.staging.stage import Backdrop, Stage, blur_behind, fill_picture

FRONT = (200, 100, 50)


@pytest.fixture
def cut() -> np.ndarray:
    """A frame whose left half is a person and whose middle column is half of one, (20, 21, 4)."""
    frame = np.zeros((20, 21, 4), np.uint8)
    frame[..., :3] = FRONT
    frame[:, :10, 3], frame[:, 10, 3] = 255, 128
    return frame


def test_a_colour_is_behind_a_person(cut):
    green = np.full((20, 21, 3), (0, 177, 64), np.uint8)
    (shown,) = Stage(Backdrop(green))([cut])
    assert shown.shape == (20, 21, 3)
    assert (shown[:, :10] == FRONT).all() and (shown[:, 11:] == (0, 177, 64)).all()
    np.testing.assert_allclose(shown[0, 10], (np.array(FRONT) * 128 + np.array([0, 177, 64]) * 127) / 255, atol=1)


def test_nothing_behind_a_person_is_a_fourth_channel(cut):
    (shown,) = Stage(Backdrop(is_transparent=True))([cut])
    np.testing.assert_array_equal(shown, cut)


def test_a_part_of_a_frame_is_transparent_beyond_its_edge(cut):
    (shown,) = Stage(Backdrop(is_transparent=True), Window(0, -20, 21, 40, (42, 80)))([cut])
    assert shown.shape == (80, 42, 4) and not shown[:36, :, 3].any() and (shown[46:, :18, 3] == 255).all()
    assert (shown[..., :3] == FRONT).all()  # no fringe, however it is enlarged


def test_what_was_filmed_is_shown_in_part_where_no_background_is_asked_for():
    frame = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    (shown,) = Stage(window=Window(2, 2, 4, 4, (4, 4)))([frame])
    np.testing.assert_array_equal(shown, frame[2:6, 2:6])


def test_the_plate_of_a_portrait_is_behind_it_at_any_size(cut):
    plate = np.full((40, 42, 3), 77, np.uint8)
    (shown,) = Stage(Backdrop(), plate=plate)([cut])
    assert (shown[:, 11:] == 77).all()


def test_the_person_of_a_video_is_looked_for_in_each_frame(cut, monkeypatch):
    seen = []

    class Finder:
        def __init__(self, quarters):
            assert quarters == 1

        def __call__(self, frame):
            seen.append(frame.shape)
            return cut[..., 3].astype(np.float32) / 255

    monkeypatch.setattr(module, "SteadyMatte", Finder)
    frame = np.full((20, 21, 3), FRONT, np.uint8)
    frame[:, 11:] = 30
    stage = Stage(Backdrop(np.full((20, 21, 3), 255, np.uint8)), quarters=1)
    shown = list(stage([frame] * 3))
    assert len(seen) == 3 and (shown[2][:, 11:] == 255).all() and (shown[2][:, :10] == FRONT).all()


def test_a_blurred_background_has_nothing_of_the_person():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 80, (60, 80, 3), dtype=np.uint8)
    matte = np.zeros((60, 80), np.float32)
    matte[10:, 30:50] = 1
    frame[matte > 0] = 255
    blurred = blur_behind(frame, matte)
    assert blurred.max() < 60 and blurred.std() < 0.5 * frame[matte == 0].std()
    assert blur_behind(frame, np.ones_like(matte)).shape == frame.shape  # even if nothing is known


@pytest.mark.parametrize("size", [(40, 40), (20, 60), (200, 100)])
def test_a_picture_fills_any_shape_by_its_middle(size):
    picture = np.zeros((60, 90, 3), np.uint8)
    picture[20:40, 35:55] = 255
    filled = fill_picture(picture, size)
    assert filled.shape == (size[1], size[0], 3) and filled[size[1] // 2, size[0] // 2].min() == 255
