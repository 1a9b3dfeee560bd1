"""A face that says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.idle import IdleMotion


def test_rows_are_the_same_in_whatever_pieces_and_order_they_are_asked_for():
    idle, other = IdleMotion(seed=3), IdleMotion(seed=3)
    whole = idle.rows(0, 2000)
    late = other.rows(1500, 100)
    early = other.rows(0, 50)
    np.testing.assert_array_equal(late, whole[1500:1600])
    np.testing.assert_array_equal(early, whole[:50])


def test_it_begins_as_the_picture_is():
    row = IdleMotion(seed=1).rows(0, 1)[0]
    assert np.abs(row).max() < 1e-6


@pytest.mark.parametrize("seconds", [2.0, 7.3 * 25 // 1 / 25, 8.0, 61.0])
def test_the_end_of_a_loop_meets_its_beginning(seconds):
    count = round(seconds * 25)
    rows = IdleMotion(seed=5, loop_s=count / 25).rows(0, 2 * count + 1)
    np.testing.assert_allclose(rows[count], rows[0], atol=1e-5)
    np.testing.assert_allclose(rows[count : 2 * count], rows[:count], atol=1e-4)
    slow = [*range(*coefficients.ANGLES.indices(31)), *range(*coefficients.SHIFT.indices(31))]
    steps = np.abs(np.diff(rows[:, slow], axis=0))
    assert (steps[count - 1] <= steps[: count - 1].max(axis=0) + 1e-6).all()


def test_it_blinks_as_people_do_and_moves_a_little_for_ten_minutes_without_drift():
    rows = IdleMotion(seed=0).rows(0, 25 * 600)
    shut = rows[:, coefficients.LIDS.start] > 0.8
    blinks = int((np.diff(shut.astype(int)) > 0).sum())
    assert 100 < blinks < 240
    assert not rows[:, coefficients.LIPS].any() and not rows[:, coefficients.OPENING].any()
    angles = rows[:, coefficients.ANGLES]
    assert angles.std() > 0.2 and np.abs(angles).max() < 4
    assert np.abs(angles[:1500].mean(0) - angles[-1500:].mean(0)).max() < 0.5
    assert np.abs(rows[:, coefficients.GAZE]).max() <= 0.051


def test_strength_is_of_head_and_gaze_and_blinks_stay():
    rows = IdleMotion(seed=0, strength=0.0).rows(0, 1000)
    assert not rows[:, coefficients.ANGLES].any() and not rows[:, coefficients.GAZE].any()
    assert rows[:, coefficients.LIDS].max() > 0.9


def test_a_loop_too_short_is_refused():
    with pytest.raises(ConfigError, match="2 seconds"):
        IdleMotion(loop_s=1.0)
