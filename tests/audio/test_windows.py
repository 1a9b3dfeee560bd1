from fractions import Fraction

import numpy as np
import pytest

from facediff.audio.features import SILENCE, log_mel
from facediff.audio.windows import exact_rate, feature_windows, frame_count

RATES = [24, 25, 29.97, 30, Fraction(30000, 1001)]


@pytest.mark.parametrize(
    ("fps", "exact"),
    [
        (25, Fraction(25)), (25.0, Fraction(25)), (29.97, Fraction(30000, 1001)), (30000 / 1001, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)), (59.94, Fraction(60000, 1001)), (30, Fraction(30)), (12.5, Fraction(25, 2)),
    ],
)  # fmt: skip
def test_rates_are_what_broadcast_means_by_them(fps, exact):
    assert exact_rate(fps) == exact


@pytest.mark.parametrize(
    ("samples", "fps", "frames"),
    [
        (16000, 25, 25), (16001, 25, 26), (15999, 25, 25), (16000, 29.97, 30), (16000 * 1001, 29.97, 30000),
        (16000 * 1001 + 1, 29.97, 30001), (16000 * 3600, 30, 108000), (1, 24, 1), (0, 24, 1),
    ],
)  # fmt: skip
def test_frames_cover_the_sound_without_one_too_many(samples, fps, frames):
    assert frame_count(samples, fps) == frames


@pytest.mark.parametrize("fps", RATES)
def test_the_middle_of_every_window_is_the_column_nearest_to_its_frame(fps):
    seconds = 100
    columns = np.arange(seconds * 100, dtype=np.float32)[None]
    frames = frame_count(seconds * 16000, fps)
    middle = feature_windows(columns, fps, frames, 9)[:, 4, 0]
    times = np.arange(frames) * 100 / float(exact_rate(fps))
    inside = times < seconds * 100 - 1
    assert np.abs(middle - times)[inside].max() <= 0.5 + 1e-6


@pytest.mark.parametrize("fps", RATES)
def test_a_click_is_in_the_window_of_its_frame(fps):
    for k in (0, 7, 101, 480):
        wave = np.zeros(21 * 16000, np.float32)
        wave[round(k / float(exact_rate(fps)) * 16000)] = 1.0
        loud = feature_windows(log_mel(wave), fps, 600, 5).max(axis=2) > SILENCE + 1
        assert loud[k, 2]
        assert not loud[: max(k - 2, 0)].any()
        assert not loud[k + 3 :].any()


def test_both_ends_see_silence_beyond_the_sound():
    windows = feature_windows(np.zeros((80, 10), np.float32), 25, 4, 8)
    heard = windows[:, :, 0] == 0
    np.testing.assert_array_equal(heard[0], [False] * 4 + [True] * 4)
    np.testing.assert_array_equal(heard[1], [True] * 8)
    np.testing.assert_array_equal(heard[3], [True] * 2 + [False] * 6)
    np.testing.assert_allclose(windows[~heard], SILENCE)


def test_frames_long_after_the_sound_are_silent():
    np.testing.assert_allclose(feature_windows(np.zeros((3, 4), np.float32), 25, 2, 6, first=500), SILENCE)


def test_no_frames_give_no_windows():
    assert feature_windows(np.zeros((80, 10), np.float32), 25, 0, 8).shape == (0, 8, 80)


@pytest.mark.parametrize("fps", RATES)
def test_parts_put_together_are_the_whole(fps):
    mel = np.random.default_rng(0).normal(size=(4, 400)).astype(np.float32)
    whole = feature_windows(mel, fps, 97, 10)
    parts = [feature_windows(mel, fps, min(20, 97 - first), 10, first=first) for first in range(0, 97, 20)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
