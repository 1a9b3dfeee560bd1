"""Pocket TTS of Kyutai, a small network of a hub, through its own package."""

from __future__ import annotations

from typing import Any

import numpy as np

from facediff.audio.voices import Spoken
from facediff.errors import AudioError, ConfigError, MissingExtra, WeightsError

USUAL = "alba"


class PocketVoice:
    """A ``Voice`` of Pocket TTS; it does not tell when it says which word.

    Args:
        name: One of its catalogue, ``alba``.
        model: A ``pocket_tts.TTSModel`` that is there already; loaded by default.
        state: What the model has heard of the voice; by default it is asked for by name.

    Raises:
        MissingExtra: Its package is not installed.
        ConfigError: There is no such voice.
        WeightsError: Its weights are neither here nor to be had.
    """

    def __init__(self, name: str = "", model: Any = None, state: Any = None) -> None:
        self._name = name or USUAL
        try:
            from pocket_tts import TTSModel
        except ImportError as error:
            raise MissingExtra("pocket-tts", "pocket", f"the voice pocket:{self._name}") from error
        known = _catalogue()
        if known and self._name not in known:
            raise ConfigError(f"pocket knows no voice {self._name!r}; it knows {', '.join(known)}")
        try:
            self._model = model or TTSModel.load_model()
            self._state = state or self._model.get_state_for_audio_prompt(self._name)
        except Exception as error:  # of the hub's client, which has many
            raise WeightsError(
                f"the weights of pocket:{self._name} are neither here nor to be had from its hub"
            ) from error

    def say(self, text: str) -> Spoken:
        """The text as speech."""
        try:
            wave = self._model.generate_audio(self._state, text)
        except (RuntimeError, ValueError) as error:
            raise AudioError(f"pocket says nothing of this text: {error}") from error
        return Spoken(wave.detach().cpu().numpy().astype(np.float32).reshape(-1), int(self._model.sample_rate))


def _catalogue() -> tuple[str, ...]:
    """The names that its package lists; none where it has moved them."""
    try:
        from pocket_tts.utils.utils import _ORIGINS_OF_PREDEFINED_VOICES
    except ImportError:
        return ()
    return tuple(sorted(_ORIGINS_OF_PREDEFINED_VOICES))
