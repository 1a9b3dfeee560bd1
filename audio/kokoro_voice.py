"""Kokoro, a small network of a hub, through its own package."""

from __future__ import annotations

from typing import Any

import numpy as np

from facediff.audio.voices import Spoken
from facediff.errors import AudioError, ConfigError, MissingExtra, WeightsError
from facediff.types import Word

REPOSITORY, USUAL, RATE = "hexgrad/Kokoro-82M", "af_heart", 24000
LANGUAGES = "abefhijpz"  # American and British English, Spanish, French, Hindi, Italian, Japanese, Portuguese, Chinese


class KokoroVoice:
    """A ``Voice`` of Kokoro; of English it tells when it says which word.

    Args:
        name: As its package has it, ``af_heart``: a letter for the language, one for the sex, and a name.
        pipeline: A ``kokoro.KPipeline`` that is there already; made by default.

    Raises:
        MissingExtra: Its package is not installed.
        ConfigError: There is no such voice.
        WeightsError: Its weights are neither here nor to be had.
    """

    def __init__(self, name: str = "", pipeline: Any = None) -> None:
        self._name = name or USUAL
        if self._name[0] not in LANGUAGES or self._name[1:3] not in ("f_", "m_"):
            raise ConfigError(f"kokoro knows no voice {self._name!r}; its names are as af_heart and bm_george")
        self._pipeline = pipeline or self._open()
        try:
            self._pipeline.load_voice(self._name)
        except Exception as error:  # of the hub's client, which has many
            if "404" in str(error) or "EntryNotFound" in type(error).__name__:
                raise ConfigError(f"kokoro knows no voice {self._name!r}; its page lists them") from error
            raise WeightsError(
                f"the voice {self._name} of kokoro is neither here nor to be had from its hub"
            ) from error

    def _open(self) -> Any:
        try:
            from kokoro import KPipeline
        except ImportError as error:
            raise MissingExtra("kokoro", "kokoro", f"the voice kokoro:{self._name}") from error
        try:
            return KPipeline(self._name[0], repo_id=REPOSITORY)
        except Exception as error:
            raise WeightsError("the weights of kokoro are neither here nor to be had from its hub") from error

    def say(self, text: str) -> Spoken:
        """The text as speech; in English with the time of each word."""
        waves: list[np.ndarray] = []
        words: list[Word] = []
        is_timed, at = True, 0.0
        for part in self._pipeline(text, voice=self._name):
            if part.audio is None:
                continue
            wave = part.audio.detach().cpu().numpy().astype(np.float32)
            is_timed &= part.tokens is not None
            for token in part.tokens or ():
                start, end = getattr(token, "start_ts", None), getattr(token, "end_ts", None)
                if start is not None and end is not None and any(letter.isalnum() for letter in token.text):
                    words.append(Word(token.text, at + start, at + end))
                elif words and token.text.strip():  # what is not said belongs to the word before
                    words[-1] = Word(words[-1].text + token.text, words[-1].start, words[-1].end)
            waves.append(wave)
            at += len(wave) / RATE
        if not waves:
            raise AudioError(f"kokoro says nothing of this text in the voice {self._name}")
        return Spoken(np.concatenate(waves), RATE, tuple(words) if is_timed and words else None)
