"""Which part of a picture is shown."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.rendering.staging.framing import Window, choose_window
from facediff.types import FaceTrack, Presence


def track(*middles, height=100, size=(1000, 800)) -> FaceTrack:
    """A face (80 by 100 pixels) with its middle at each of some places."""
    corners = np.array([[-0.4, -0.5, 0], [0.4, 0.5, 0]]) * height
    points = np.stack([np.resize(corners, (478, 3)) + [*middle, 0] for middle in middles]).astype(np.float32)
    return FaceTrack(points, np.full(len(points), Presence.FOUND, np.uint8), size, 25.0)


def test_without_a_framing_all_is_shown_that_a_shape_holds_around_the_face():
    window = choose_window([track((700, 300))], None, (450, 800))
    assert (window.top, window.height, window.width) == (0, 800, 450) and window.size == (450, 800)
    assert window.left == 700 - 225


@pytest.mark.parametrize(("framing", "low", "high"), [("head", 180, 210), ("shoulders", 300, 360), ("full", 800, 800)])
def test_framings_are_measured_in_faces(framing, low, high):
    window = choose_window([track((500, 300))], framing, None)
    assert low <= window.height <= high and window.width == pytest.approx(window.height * 1.25, abs=1)
    assert window.left <= 460 and window.left + window.width >= 540  # the face is in it
    assert window.top <= 250 - 0.3 * 100 and window.top + window.height >= 350  # and hair
    assert window.size[0] % 2 == 0 and abs(window.size[0] - window.width) <= 1  # nothing is enlarged


@pytest.mark.parametrize(
    ("middles", "shape"), [(((150, 500), (850, 400)), (450, 800)), (((500, 120), (500, 700)), (800, 300))]
)
def test_without_a_framing_no_head_is_cut_off_by_the_shape(middles, shape):
    window = choose_window([track(middle, height=150) for middle in middles], None, shape)
    assert window.width / window.height == pytest.approx(shape[0] / shape[1], rel=0.01)
    for x, y in middles:
        assert window.left <= x - 75 and x + 75 <= window.left + window.width
        assert window.top <= y - 75 and y + 75 <= window.top + window.height


def test_a_face_that_fills_the_picture_is_shown_as_it_is():
    window = choose_window([track((250, 250), height=480, size=(500, 500))], None, None, 400)
    assert (window.left, window.top, window.width, window.height) == (0, 0, 500, 500)


def test_a_longer_side_makes_smaller_and_never_larger():
    assert max(choose_window([track((500, 300))], None, None, 500).size) == 500
    assert choose_window([track((500, 300))], None, None, 4000).size == (1000, 800)


def test_one_window_serves_a_face_that_moves_about():
    places = [(300 + 4 * k, 300) for k in range(60)]
    window = choose_window([track(*places)], "head", (400, 400))
    assert window.left <= 300 - 40 and window.left + window.width >= 536 + 40


def test_the_edge_of_the_picture_is_kept_to_while_heads_are_whole():
    near = choose_window([track((60, 90))], "shoulders", (400, 400))
    assert near.left == 0 and near.top == 0  # moved in
    small = choose_window([track((100, 120), size=(220, 240))], "shoulders", None)
    assert small.left >= 0 and small.left + small.width <= 220 and small.height <= 240  # less is shown


def test_who_is_cut_off_by_the_lower_edge_does_not_float():
    window = choose_window([track((100, 120), size=(200, 200))], "full", (200, 400))
    assert window.top + window.height == 200 and window.height == 400 and window.width == 200


def test_a_part_is_shown_at_its_size():
    picture = np.arange(100, dtype=np.uint8).reshape(10, 10)
    np.testing.assert_array_equal(Window(2, 3, 4, 5, (4, 5)).show(picture), picture[3:8, 2:6])
    assert Window(2, 3, 4, 4, (8, 8)).show(np.dstack([picture] * 3)).shape == (8, 8, 3)


def test_beyond_the_edge_is_what_was_at_the_edge_without_streaks():
    rng = np.random.default_rng(0)
    picture = np.full((40, 40, 3), 100, np.uint8)
    picture[:1] = rng.integers(60, 140, (1, 40, 3))
    shown = Window(0, -40, 40, 80, (40, 80)).show(picture)
    np.testing.assert_array_equal(shown[40:], picture)
    assert shown[:30].std(axis=1).mean() < 0.5 * picture[0].std() and abs(shown[:30].mean() - 100) < 10
    assert not Window(0, -40, 40, 80, (40, 80)).show(picture[..., 0], beyond=0)[:40].any()
