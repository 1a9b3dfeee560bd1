"""At how many frames a second films are given that have no even rate, or say a wrong one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from facediff.media import VideoReader, VideoWriter
from facediff.media.rates import filled_rate, measured_rate

from .test_reading import SIZE, levels, shade, write_timed


def test_a_recording_of_a_screen_is_filled_up_to_the_rate_of_its_movement(tmp_path):
    """It has a frame where something moves, at 30 a second, and none for the second in which nothing does."""
    times = [0, 33, 67, 100, 1000, 1033, 1067, 1100, 1133, 1167, 2000, 2033, 2067, 2100]
    reader = VideoReader(write_timed(tmp_path / "v.mp4", times))
    assert reader.info.fps == 30
    shown = levels(reader)
    assert len(shown) == 64
    for k, level in enumerate(shown):
        assert times[level] <= k * 1000 / 30 + 17, "no frame before its time"
        assert level == len(times) - 1 or times[level + 1] > k * 1000 / 30 - 17


@pytest.mark.parametrize("fps", [8, 10, 12, 15, 20])
def test_a_low_rate_that_is_even_is_kept(tmp_path, fps):
    with VideoWriter(tmp_path / "v.mp4", SIZE, Fraction(fps)) as writer:
        for k in range(12):
            writer.write(shade(10 * k))
    reader = VideoReader(tmp_path / "v.mp4")
    assert reader.info.fps == fps and levels(reader) == list(range(12))


@pytest.mark.parametrize(
    ("steps_ms", "expected"),
    [
        ([100, 100, 400, 100, 900, 100, 100], 30),  # 10 a second and pauses: three frames for each
        ([40, 40, 600, 40, 40, 40, 800], 25),
        ([66.7, 33.3, 66.7, 100, 33.3, 66.7, 33.3, 66.7], 30),  # a camera that waits for light
        ([1, 200, 1, 300, 2, 100, 1, 150], 30),  # frames that come in pairs
        ([83.3] * 12, 12),
        ([83.3, 84, 83, 83.3, 85, 82], 12),
        ([100], 12),
        ([], 12),
    ],
)
def test_only_frames_that_come_unevenly_are_filled_up(steps_ms, expected):
    times = [Fraction(round(10 * ms), 10_000) for ms in np.cumsum([0, *steps_ms])]
    assert filled_rate(Fraction(12), times) == expected


def test_a_mean_that_is_high_enough_is_kept():
    times = [Fraction(ms, 1000) for ms in (0, 20, 40, 200, 220, 240, 260, 280)]
    assert filled_rate(Fraction(25), times) == 25


def test_times_that_say_nothing_are_taken_for_25():
    assert measured_rate([None, None]) == measured_rate([]) == measured_rate([Fraction(1), Fraction(1)]) == 25
