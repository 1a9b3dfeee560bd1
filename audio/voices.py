"""Text to speech by whoever is installed: an engine is a ``Voice``, named ``engine:voice`` or by the engine alone.

voice="espeak:en-us+f3"   espeak-ng, which systems have or ``facediff[espeak]`` brings; robotic, a hundred languages
voice="kokoro:af_heart"   Kokoro (``facediff[kokoro]``), weights of a hub
voice="pocket:alba"       Pocket TTS (``facediff[pocket]``), weights of a hub
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.errors import AudioError, ConfigError
from facediff.types import Word

MOST_TEXT = 2000  # characters
LEAST_S = 0.05  # what is shorter is a click
_NAME = re.compile(r"[\w+-]{1,40}")


@dataclass(frozen=True)
class Spoken:
    """What was said.

    Attributes:
        wave: (N,) mono, float32 in [-1, 1].
        rate: Samples a second.
        words: When each word is heard; None where the engine does not tell.
    """

    wave: NDArray[np.float32]
    rate: int
    words: tuple[Word, ...] | None = None

    def at(self, rate: int) -> NDArray[np.float32]:
        """The wave at another rate."""
        if rate == self.rate:
            return self.wave
        from scipy.signal import resample_poly  # which takes a while to load

        shared = int(np.gcd(rate, self.rate))
        return np.clip(resample_poly(self.wave, rate // shared, self.rate // shared), -1, 1).astype(np.float32)


class Voice(Protocol):
    """Somebody who reads aloud."""

    def say(self, text: str) -> Spoken:
        """The text as speech.

        Raises:
            AudioError: The engine fails, or says nothing.
        """
        ...


def find_voice(name: str) -> Voice:
    """The voice of a name, ``engine:voice``.

    Raises:
        ConfigError: There is no such engine, or it knows no such voice.
        MissingExtra: The engine is not installed.
        WeightsError: Its weights are neither here nor to be had.
    """
    engine, _, voice = name.partition(":")
    engines = _engines()
    if engine not in engines:
        raise ConfigError(f"voice is ENGINE:NAME with an engine of {', '.join(engines)}, not {name[:80]!r}")
    if voice and _NAME.fullmatch(voice) is None:  # engines take paths and addresses in a name's place
        raise ConfigError(f"voice names one of {engine} in letters and digits, as in {engine}:NAME, not {voice[:80]!r}")
    return engines[engine](voice)


def check_text(text: str) -> str:
    """The text as it is said: one line, without space around it.

    Raises:
        ConfigError: There is nothing to be said, or too much.
    """
    text = " ".join(text.replace("\0", " ").split())
    if not any(character.isalnum() for character in text) or len(text) > MOST_TEXT:
        raise ConfigError(f"say is a text of 1 to {MOST_TEXT} characters with words in it, not {len(text)} characters")
    return text


def say(text: str, voice: str = "espeak") -> Spoken:
    """A text as speech; see ``find_voice`` and ``check_text`` for what is refused.

    Raises:
        AudioError: The engine says nothing.
    """
    text = check_text(text)
    spoken = find_voice(voice).say(text)
    if len(spoken.wave) < LEAST_S * spoken.rate or not np.isfinite(spoken.wave).all():
        raise AudioError(f"{voice} says nothing of this text; give another voice")
    return spoken


def _engines() -> dict[str, Callable[[str], Voice]]:
    from facediff.audio.espeak import Espeak
    from facediff.audio.kokoro_voice import KokoroVoice
    from facediff.audio.pocket_voice import PocketVoice

    return {"espeak": Espeak, "kokoro": KokoroVoice, "pocket": PocketVoice}
