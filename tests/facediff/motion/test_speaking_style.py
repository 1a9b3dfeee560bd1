"""How somebody holds their lips, beside what is usual."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.motion import coefficients
from facediff.motion.speaking_style import DOUBT_S, fit_speaking_style

FPS = 25


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """A motion whose lips part and meet in half of the time, and rest in the other."""
    rows = np.zeros((int(seconds * FPS), coefficients.DIMENSIONS), np.float32)
    spoken = len(rows) // 2
    opening = 0.08 + 0.04 * np.sin(np.arange(spoken) * 0.9 + seed)
    rows[:spoken, coefficients.OPENING] = opening[:, None]
    rows[:spoken, 0] = opening * 10
    return rows


@pytest.fixture
def unusual() -> np.ndarray:
    added = np.zeros(coefficients.DIMENSIONS, np.float32)
    added[3], added[coefficients.OPENING] = 0.7, -0.01
    return added


def test_what_is_unusual_in_speech_is_found_and_long_speech_is_trusted(unusual) -> None:
    found = [fit_speaking_style(speech(s) + unusual, speech(s), FPS) for s in (4, 16, 160)]
    for seconds, one in zip((4, 16, 160), found, strict=True):
        share = seconds / 2 / (seconds / 2 + DOUBT_S)
        np.testing.assert_allclose(one, share * unusual, atol=0.01)


def test_frames_without_a_face_and_other_channels_do_not_count(unusual) -> None:
    own = speech(16) + unusual
    own[5:20] = np.nan
    own[20:, coefficients.ANGLES] = 30.0
    found = fit_speaking_style(own, speech(16), FPS)
    assert np.isfinite(found).all() and found[3] > 0.4
    assert not found[coefficients.ANGLES].any() and not found[coefficients.LIDS].any()


def test_lips_that_go_with_another_sound_tell_nothing(unusual) -> None:
    rng = np.random.default_rng(0)
    own = speech(16) + unusual
    own[:, coefficients.OPENING] = rng.normal(0.08, 0.04, own[:, coefficients.OPENING].shape)
    assert not fit_speaking_style(own, speech(16), FPS).any()
    assert not fit_speaking_style(np.tile(unusual, (400, 1)), speech(16), FPS).any()  # lips that do not move
    assert not fit_speaking_style(speech(16), np.zeros_like(speech(16)), FPS).any()  # nobody speaks
