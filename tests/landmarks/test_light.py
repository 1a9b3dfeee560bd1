"""Levels and the logarithm of light."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.light import to_levels, to_log_light


def test_light_goes_back_to_levels() -> None:
    window = np.random.default_rng(0).uniform(0, 255, (8, 9, 3))
    np.testing.assert_allclose(to_levels(to_log_light(window)), window, atol=1e-3)
    assert to_levels(np.array([99.0, -99.0])).tolist() == [255, 0]


def test_a_shade_takes_the_same_share_of_any_light() -> None:
    bright, dim = (to_levels(to_log_light(np.array([level])) - 0.3)[0] for level in (200.0, 60.0))
    assert abs(bright / 200 - dim / 60) < 0.05
