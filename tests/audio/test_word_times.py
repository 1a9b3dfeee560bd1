"""Words of a text are where the voice is."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.word_times import divide_words


def test_words_are_divided_over_what_is_voiced() -> None:
    rng = np.random.default_rng(0)
    wave = 1e-4 * rng.normal(size=64000).astype(np.float32)
    for start, stop in ((8000, 24000), (40000, 56000)):
        wave[start:stop] += 0.2 * np.sin(np.arange(stop - start) / 16000 * 2 * np.pi * 300).astype(np.float32)
        wave[start:stop] *= 1 + 0.5 * np.sin(np.arange(stop - start) / 400).astype(np.float32)
    one, two, three, four = divide_words("alpha beta gamma zeta", wave)
    assert 0.3 < one.start < 0.7 and two.end < 1.8
    assert three.start > 2.2 and 3.3 < four.end < 3.8
    assert one.end <= two.start + 1e-6 < three.start < four.start
    assert divide_words(" ", wave) == ()


def test_silence_is_divided_all_the_same() -> None:
    words = divide_words("one two", np.zeros(16000, np.float32))
    assert words[0].start == 0 and words[1].end == pytest.approx(1, abs=0.02)
