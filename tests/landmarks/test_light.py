"""Levels and the logarithm of light."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.light import levels, logarithm


def test_light_goes_back_to_levels() -> None:
    window = np.random.default_rng(0).uniform(0, 255, (8, 9, 3))
    np.testing.assert_allclose(levels(logarithm(window)), window, atol=1e-3)
    assert levels(np.array([99.0, -99.0])).tolist() == [255, 0]


def test_a_shade_takes_the_same_share_of_any_light() -> None:
    bright, dim = (levels(logarithm(np.array([level])) - 0.3)[0] for level in (200.0, 60.0))
    assert abs(bright / 200 - dim / 60) < 0.05
