"""Sounds of all the kinds that people bring are heard in time, at their loudness, and whole."""

from __future__ import annotations

import av
import numpy as np
import pytest

from facediff.audio.wave import load_wave
from facediff.media.durations import sound_seconds

from .sounds import SECONDS, SOUNDS, sentence

RATE = 16000


def band(wave: np.ndarray, top: int) -> np.ndarray:
    """A wave from 60 Hz up to a frequency."""
    spectrum, hertz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1 / RATE)
    return np.fft.irfft(np.where((hertz > 60) & (hertz < top), spectrum, 0), len(wave))


def place(heard: np.ndarray, meant: np.ndarray) -> int:
    """At which sample of what is heard what was meant begins."""
    size = len(heard) + len(meant)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    best = int(product.argmax())
    return best if best < len(heard) else best - size


@pytest.mark.parametrize("about", SOUNDS)
def test_a_sound_is_heard_as_it_is(tmp_path, about):
    name, make = SOUNDS[about]
    try:
        expected = make(tmp_path / name)
    except av.codec.codec.UnknownCodecError as error:  # AMR's is in some builds of PyAV; all of them read it
        pytest.skip(f"this PyAV has no encoder {error}")
    wave = load_wave(tmp_path / name)
    heard, meant = band(wave, expected.top), band(sentence(RATE), expected.top)
    at = place(heard, meant)
    assert at / RATE == pytest.approx(expected.start, abs=0.012)
    part, whole = heard[max(at, 0) :][: len(meant) + min(at, 0)], meant[max(-at, 0) :]
    whole = whole[: len(part)]
    assert part @ whole / np.sqrt((part @ part) * (whole @ whole)) > expected.likeness
    assert 10 * np.log10((part @ part) / (whole @ whole)) == pytest.approx(expected.decibels, abs=1.5)
    assert len(wave) / RATE == pytest.approx(expected.start + SECONDS, abs=0.06)
    if expected.is_long_known:
        assert sound_seconds(tmp_path / name) == pytest.approx(len(wave) / RATE, abs=0.1)
