"""Voices by name: who there is, what is refused, and what a text has to be."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.voices import Spoken, check_text, find_voice
from facediff.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("siri", "voice is ENGINE:NAME with an engine of espeak, kokoro, pocket, not 'siri'"),
        ("espeak:../../etc", "voice names one of espeak in letters and digits"),
        ("pocket:hf://kyutai/tts-voices/x.wav", "voice names one of pocket in letters and digits"),
        ("kokoro:nobody", "kokoro knows no voice 'nobody'; its names are as af_heart"),
    ],
)
def test_names_that_are_no_voice_are_refused(name, said) -> None:
    with pytest.raises(ConfigError, match=said):
        find_voice(name)


@pytest.mark.parametrize("text", ["", "  \n", "...", "a" * 2001])
def test_a_text_has_words_in_it_and_is_not_endless(text) -> None:
    with pytest.raises(ConfigError, match="say is a text of 1 to 2000 characters"):
        check_text(text)
    assert check_text(" Hello\n there\0 ") == "Hello there"


def test_a_wave_at_another_rate_lasts_as_long() -> None:
    wave = np.sin(np.arange(22050) / 22050 * 2 * np.pi * 200).astype(np.float32)
    other = Spoken(wave, 22050).at(48000)
    assert len(other) == 48000 and other.dtype == np.float32
    assert np.abs(other[1000:-1000] - np.sin(np.arange(48000) / 48000 * 2 * np.pi * 200)[1000:-1000]).max() < 0.01
    assert Spoken(wave, 22050).at(22050) is wave
