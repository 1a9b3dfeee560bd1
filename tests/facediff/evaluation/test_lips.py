from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.lips import aperture, aperture_correlation, correlation, loudness, loudness_sync, silence_ratio

from .told_faces import FPS, at_rest, face, speaking, without

FRAMES, HOP = 150, 640  # six seconds at 25 a second


@pytest.fixture(scope="module")
def loud() -> np.ndarray:
    """How loud somebody is (T,), in [0, 1]: syllables of uneven strength, and silence from frame 60 to 90."""
    rng = np.random.default_rng(3)
    time = np.arange(FRAMES) / FPS
    level = np.abs(np.sin(time * 2 * np.pi * 1.7)) * (0.4 + 0.6 * np.repeat(rng.random(FRAMES // 10), 10))
    level[60:90] = 0
    return level


@pytest.fixture(scope="module")
def wave(loud) -> np.ndarray:
    """A noise of that loudness, 16 kHz."""
    noise = np.random.default_rng(4).normal(size=FRAMES * HOP) * 0.2
    return (noise * np.repeat(loud, HOP)).astype(np.float32)


def test_the_aperture_is_in_eye_distances_at_every_size_and_nowhere_without_a_face() -> None:
    opening = np.linspace(0, 0.2, 20)
    large, small = aperture(speaking(opening, 100)), aperture(without(speaking(opening, 50), slice(0, 5)))
    assert np.isnan(small[:5]).all()
    assert small[5:] == pytest.approx(large[5:], abs=1e-3)
    assert np.diff(large) == pytest.approx(np.diff(opening), rel=0.1)


def test_real_against_real_is_one_whatever_the_head_is_like_and_still_lips_are_not_judged(loud) -> None:
    assert aperture_correlation(speaking(0.1 * loud, 60), speaking(0.2 * loud[:120])) == pytest.approx(1, abs=1e-3)
    assert aperture_correlation(speaking(0.1 * loud), speaking(0.1 * (1 - loud))) == pytest.approx(-1, abs=1e-3)
    assert aperture_correlation(face(at_rest(40)), speaking(0.1 * loud)) is None
    assert correlation(np.arange(9.0), np.array([1, 2, 3, 4] + 5 * [np.nan])) is None


def test_loudness_goes_from_silent_to_loud_whatever_the_gain(loud, wave) -> None:
    found = loudness(wave, FRAMES, FPS)
    assert found.min() == 0 and found.max() == 1 and (found[62:88] == 0).all()
    assert loudness(0.1 * wave, FRAMES, FPS) == pytest.approx(found, abs=0.01)
    beyond = loudness(wave, FRAMES + 20, FPS)
    assert (beyond[FRAMES:] == 0).all()


@pytest.mark.parametrize("late", [-3, 0, 5])
def test_sound_that_is_moved_is_found(loud, wave, late) -> None:
    lips = 0.15 * np.roll(np.clip(np.log10(loud + 1e-3) / 2 + 1, 0, 1), late)
    found = loudness_sync(speaking(lips), wave)
    assert found.lag_ms == pytest.approx(1000 * late / FPS)
    assert found.correlation > 0.9


def test_lips_of_another_speech_or_at_rest_do_not_follow(loud, wave) -> None:
    other = np.random.default_rng(9).random(FRAMES) * 0.1
    assert loudness_sync(speaking(other), wave).correlation < 0.5
    assert loudness_sync(face(at_rest(FRAMES)), wave) == (None, 0)
    assert loudness_sync(speaking(0.1 * loud), wave[:7000]) is None


def test_lips_that_rest_in_silence_have_a_ratio_of_nothing_and_restless_ones_of_one(loud, wave) -> None:
    assert silence_ratio(speaking(0.1 * loud), wave) < 0.02
    restless = 0.05 * (1 + np.sin(np.arange(FRAMES)))
    assert silence_ratio(speaking(restless), wave) == pytest.approx(1, abs=0.25)


def test_without_silence_or_without_speech_there_is_no_ratio(loud, wave) -> None:
    assert silence_ratio(speaking(0.1 * loud), wave + np.float32(0.1)) is None
    assert silence_ratio(without(speaking(0.1 * loud), slice(58, 92)), wave) is None
    assert silence_ratio(speaking(0.1 * loud), wave[:7000]) is None
