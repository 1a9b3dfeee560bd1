from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.landmarks.mesh import ALL_POINTS, LEFT_EYE, LIP_PAIRS, RIGHT_EYE
from facediff.motion import coefficients
from facediff.motion.coefficients import BROWS, LIPS, OPENING


def test_motion_is_exact_at_its_own_rate_linear_in_between_and_held_at_the_end() -> None:
    motion = np.random.default_rng(0).normal(size=(6, coefficients.DIMENSIONS)).astype(np.float32)
    np.testing.assert_array_equal(coefficients.resample(motion, coefficients.MOTION_FPS, Fraction(25), 6), motion)
    double = coefficients.resample(motion, coefficients.MOTION_FPS, Fraction(50), 14)
    np.testing.assert_array_equal(double[:11:2], motion)
    np.testing.assert_allclose(double[1:10:2], (motion[:-1] + motion[1:]) / 2, atol=1e-6)
    np.testing.assert_array_equal(double[11:], np.repeat(motion[-1:], 3, axis=0))
    times = np.linspace(0, 1, 6)[:, None] * np.arange(1, coefficients.DIMENSIONS + 1)
    odd = coefficients.resample(times.astype(np.float32), coefficients.MOTION_FPS, Fraction(30000, 1001), 6)
    np.testing.assert_allclose(odd[:, 0], np.arange(6) * 1001 / 30000 / (5 / 25), atol=1e-6)


@pytest.mark.parametrize(("side", "eye", "other"), [(0, RIGHT_EYE, LEFT_EYE), (1, LEFT_EYE, RIGHT_EYE)])
def test_a_lid_that_is_shut_meets_the_other(mesh, side, eye, other):
    rest = canonicalise(mesh[None])[0][0]
    closure = np.zeros((4, 2), np.float32)
    closure[:, side] = 0, 0.5, 1, 3
    faces = coefficients.close_lids(np.tile(rest, (4, 1, 1)), closure)
    upper, lower = coefficients.UPPER_LIDS[side], coefficients.LOWER_LIDS[side]
    gap = np.linalg.norm(faces[:, upper] - faces[:, lower], axis=-1)
    np.testing.assert_array_equal(faces[0], rest)
    assert (gap[2] < 0.06 * gap[0]).all()
    np.testing.assert_allclose(gap[1], (gap[0] + gap[2]) / 2, atol=1e-5)
    np.testing.assert_array_equal(faces[3], faces[2])  # more than shut there is not
    moved = np.linalg.norm(faces[2] - rest, axis=-1)
    assert (moved[list(upper)] > 5 * moved[list(lower)]).all()
    others = np.setdiff1d(np.arange(ALL_POINTS), [*upper, *lower, *coefficients.LID_FOLDS[side]])
    assert not moved[others].any() and np.isin(other, others).all() and np.isin([*upper, *lower], eye).all()


def test_the_opening_is_the_mean_gap_between_the_inner_lips():
    face = np.tile(mean_face(), (3, 1, 1))
    for upper, lower in LIP_PAIRS:
        face[:, lower] = face[:, upper] + np.array([[0, 0, 0], [0, 0.2, 0], [0.03, 0, 0.04]], np.float32)
    np.testing.assert_allclose(coefficients.lip_opening(face), [0, 0.2, 0.05], atol=1e-6)


def test_lip_channels_do_not_tell_who_opens_wide():
    motion = np.random.default_rng(5).normal(0, 0.05, (40, coefficients.DIMENSIONS)).astype(np.float32)
    channels = coefficients.lip_channels(motion)
    assert channels.shape == (17, 40)
    np.testing.assert_allclose(channels.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(coefficients.lip_channels(1.5 * motion + 0.3), channels, rtol=0.01, atol=1e-3)


def test_a_motion_at_twice_the_rate_and_back_is_itself():
    motion = np.random.default_rng(7).normal(size=(6, coefficients.DIMENSIONS)).astype(np.float32)
    double = coefficients.resample(motion, 25, 50, 12)
    np.testing.assert_array_equal(coefficients.resample(double, 50, 25, 6), motion)
    np.testing.assert_allclose(double[1:-1:2], (motion[:-1] + motion[1:]) / 2, atol=1e-6)
    np.testing.assert_array_equal(coefficients.resample(motion, 25, 25, 8)[5:], np.repeat(motion[-1:], 3, axis=0))


def test_lip_channels_follow_the_order_of_the_motion():
    motion = np.random.default_rng(8).normal(size=(30, coefficients.DIMENSIONS)).astype(np.float32)
    channels = coefficients.lip_channels(motion)
    wanted = np.concatenate([motion[:, LIPS], motion[:, OPENING]], axis=1).T
    correlations = np.corrcoef(channels, wanted)[:17, 17:]
    np.testing.assert_allclose(np.diag(correlations), 1, atol=1e-4)
    other = motion.copy()
    other[:, BROWS.start : OPENING.start] = 9
    np.testing.assert_array_equal(coefficients.lip_channels(other), channels)


def test_a_blink_tells_little_unless_all_is_one() -> None:
    motion, tells = np.zeros((4, coefficients.DIMENSIONS), np.float32), np.array([0.1, 0.5, 0.9, 0.2])
    motion[2, coefficients.LIDS] = 0.8, 0.1
    assert coefficients.most_telling(motion, tells) == 1
    motion[1:, coefficients.LIDS] = 0.8  # who shuts their eyes for most of the time means to
    assert coefficients.most_telling(motion, tells) == 2
