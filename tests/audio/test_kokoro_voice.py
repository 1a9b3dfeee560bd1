"""Kokoro through its own package: what is said of voices and of a package that is not there."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from facediff.audio.kokoro_voice import RATE, KokoroVoice
from facediff.errors import AudioError, ConfigError, MissingExtra


def test_a_package_that_is_not_there_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "kokoro", None)
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[kokoro\]'"):
        KokoroVoice()
    with pytest.raises(ConfigError, match="its names are as af_heart"):
        KokoroVoice("heart")


class Pipeline:
    """What ``kokoro.KPipeline`` gives of two sentences: a part with tokens for each, in the package's own form."""

    def __init__(self, parts: int = 2) -> None:
        self._parts = parts

    def load_voice(self, name: str) -> None:
        self.name = name

    def __call__(self, text: str, voice: str):
        token = SimpleNamespace
        for part in range(self._parts):
            tokens = [token(text="Hello", start_ts=0.1, end_ts=0.4), token(text=".", start_ts=0.4, end_ts=0.5)]
            yield SimpleNamespace(audio=torch.full((RATE,), 0.1 + part / 10), tokens=tokens)


def test_words_of_later_parts_are_heard_later_and_stops_belong_to_the_word_before() -> None:
    spoken = KokoroVoice("af_heart", Pipeline()).say("Hello. Hello.")
    assert len(spoken.wave) == 2 * RATE == 2 * spoken.rate
    assert [(word.text, word.start, word.end) for word in spoken.words] == [("Hello.", 0.1, 0.4), ("Hello.", 1.1, 1.4)]
    np.testing.assert_allclose(spoken.wave[[0, -1]], [0.1, 0.2], atol=1e-6)
    with pytest.raises(AudioError, match="kokoro says nothing"):
        KokoroVoice("af_heart", Pipeline(0)).say("Hello.")
