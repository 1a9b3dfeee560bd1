import numpy as np
import pytest

from facediff.rendering.compose import add_window, heed_colours, keep_detail


def test_no_change_by_the_denoiser_keeps_the_coarse_frame() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (20, 24, 3)).astype(np.float32)
    round_trip = coarse + rng.normal(0, 4, coarse.shape).astype(np.float32)
    paste = np.ones((20, 24), np.float32)
    change = keep_detail(round_trip, coarse, round_trip, paste, np.zeros((20, 24), np.float32))
    assert np.abs(change).max() == 0


def test_fresh_pixels_replace_the_coarse_ones() -> None:
    rng = np.random.default_rng(1)
    painted, coarse, trip = (rng.uniform(0, 255, (8, 8, 3)).astype(np.float32) for _ in range(3))
    ones = np.ones((8, 8), np.float32)
    np.testing.assert_allclose(coarse + keep_detail(painted, coarse, trip, ones, ones), painted, atol=1e-3)


@pytest.mark.parametrize("shift", [(30.0, 20.0), (-5.0, 90.0), (500.0, 500.0)])
def test_only_the_window_changes(shift: tuple[float, float]) -> None:
    frame = np.random.default_rng(2).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    before = frame.copy()
    inverse = np.array([[0.5, 0.0, shift[0]], [0.0, 0.5, shift[1]]])
    out = add_window(frame, np.full((40, 40, 3), 10.0, np.float32), inverse)
    inside = np.zeros((100, 120), bool)
    x, y = (max(0, int(s) - 1) for s in shift)
    inside[y : int(shift[1]) + 22, x : int(shift[0]) + 22] = True
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_array_equal(out[~inside], frame[~inside])
    if shift == (30.0, 20.0):
        np.testing.assert_array_equal(out[25:35, 35:45], np.clip(frame[25:35, 35:45].astype(int) + 10, 0, 255))


def test_what_is_finer_than_the_window_goes_where_it_is_to() -> None:
    streaks = np.zeros((60, 60, 3), np.uint8)
    streaks[:, ::2] = 200
    coarse, where = np.full((30, 30, 3), 100, np.float32), np.zeros((30, 30), np.float32)
    where[:, 15:] = 1
    inverse = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]])
    out = add_window(streaks, np.full((30, 30, 3), 20, np.float32), inverse, plain=(coarse, where)).astype(int)
    np.testing.assert_array_equal(out[4:56, 36:56], 120)
    np.testing.assert_array_equal(out[4:56, 4:24], streaks[4:56, 4:24] + 20)


def test_what_changes_a_grey_picture_is_grey_and_other_changes_are_as_they_were() -> None:
    rng = np.random.default_rng(3)
    change, window = (rng.uniform(0, 255, (40, 40, 3)).astype(np.float32) for _ in range(2))
    assert heed_colours(change, window) is change
    made = heed_colours(change, np.repeat(window[..., :1], 3, axis=2))
    np.testing.assert_allclose(made, np.repeat(change.mean(axis=2, keepdims=True), 3, axis=2), atol=1e-3)
