"""When words of a text are heard."""

from __future__ import annotations

import numpy as np

from facediff.audio.features import COLUMN_RATE, log_mel
from facediff.audio.voice_activity import voice_activity
from facediff.audio.wave import normalise_loudness
from facediff.types import Wave, Word


def divide_words(text: str, wave: Wave) -> tuple[Word, ...]:
    """Words with the times at which they are about heard: the voiced stretches, divided by how long words are.

    Args:
        text: What is said.
        wave: Mono, 16 kHz.
    """
    written = text.split()
    if not written:
        return ()
    voiced = voice_activity(log_mel(normalise_loudness(wave))) > 0.5
    if not voiced.any():
        voiced[:] = True
    passed = np.concatenate([[0], np.cumsum(voiced)])  # columns of voice before each column
    lengths = np.array([1 + sum(letter.isalnum() for letter in word) for word in written], float)
    bounds = np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum() * passed[-1]
    starts = np.searchsorted(passed, bounds[:-1] + 1e-6) - 1
    ends = np.searchsorted(passed, bounds[1:] - 1e-6)
    return tuple(
        Word(word, float(start / COLUMN_RATE), float(max(end, start + 1) / COLUMN_RATE))
        for word, start, end in zip(written, starts, ends, strict=True)
    )
