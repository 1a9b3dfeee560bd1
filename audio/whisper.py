"""The embedded ear: the first layers of Whisper-base's encoder, which hear speech of any length in pieces."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import whisper_mel
from facediff.audio.wave import SAMPLE_RATE, LevelledWave
from facediff.audio.windows import exact_rate, interpolate_states
from facediff.types import Wave

if TYPE_CHECKING:
    import torch

    from facediff.models.whisper import WhisperEncoderNetwork

NAME = "whisper-base-4"
STATE_RATE = 50  # states a second
_INNER, _CONTEXT = 1000, 200  # states of a piece that are used, and heard besides on either side: 20 s and 4 s
_COLUMNS = 2  # of the log-mel to a state
_FRAMES_AT_ONCE = 512


class EmbeddedWhisper:
    """States of layers 3 and 4 of Whisper-base's encoder, 20 ms apart, brought to video frames.

    Speech goes through the network in pieces of 20 seconds, each with 4 seconds more on either side, that begin at the
    same moments whatever is asked for: a part of a speech is heard as the whole is, and memory stays flat.

    Source: see ``facediff.models.whisper``. Layers were chosen on folds of the training people.
    """

    name = NAME

    def __init__(self, network: WhisperEncoderNetwork, tokens: int = 2) -> None:
        """Take over a network in eval mode; windows hold so many states."""
        self._network = network
        self.dim, self.tokens = network.dim, tokens

    def as_fast_as(self, dtype: torch.dtype) -> EmbeddedWhisper:
        """The same ear with weights of another type; this one stays as it is."""
        import torch

        if dtype != torch.bfloat16 or self._network.dtype == dtype:
            return self
        return EmbeddedWhisper(copy.deepcopy(self._network).bfloat16(), self.tokens)

    def prepare(self, wave: Wave) -> WhisperSpeech:
        """The speech, of which a piece is heard when it is first asked for; see ``AudioEncoder``."""
        return WhisperSpeech(self._network, wave, self.tokens)

    def encode(self, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
        """Windows (frames, tokens, dim); see ``AudioEncoder``."""
        parts = [np.zeros((0, self.tokens, self.dim), np.float32), *self.stream(wave, fps, frames)]
        return np.concatenate(parts)

    def stream(
        self, wave: Wave, fps: float | Fraction, frames: int, *, first: int = 0
    ) -> Iterator[NDArray[np.float32]]:
        """Windows of up to 512 frames at a time; see ``AudioEncoder``."""
        return self.prepare(wave).stream(fps, frames, first=first)

    def hear_window(self, wave: Wave) -> NDArray[np.float32]:
        """States (n, dim) of a stretch of at most 30 seconds, at the level of ``normalise_loudness``, as it stands."""
        return _hear(self._network, wave, 0, max(1, -(-len(wave) * STATE_RATE // SAMPLE_RATE)))


class WhisperSpeech:
    """A wave that the embedded network hears piece by piece, the last pieces kept; an ``EncodedSpeech``."""

    def __init__(self, network: WhisperEncoderNetwork, wave: Wave, tokens: int) -> None:
        """Use ``EmbeddedWhisper.prepare``."""
        self._network, self._wave, self._tokens = network, LevelledWave(wave), tokens
        self._count = max(1, -(-len(wave) * STATE_RATE // SAMPLE_RATE))
        self._piece = lru_cache(maxsize=2)(self._hear)

    def stream(self, fps: float | Fraction, frames: int, *, first: int = 0) -> Iterator[NDArray[np.float32]]:
        """Windows of up to 512 frames at a time; see ``EncodedSpeech``."""
        rate = exact_rate(fps)
        place = np.arange(self._tokens) - self._tokens // 2
        for start in range(first, frames, _FRAMES_AT_ONCE):
            index = range(start, min(start + _FRAMES_AT_ONCE, frames))
            middle = np.array([float(Fraction(k * STATE_RATE) / rate) for k in index])
            position = np.clip(middle[:, None] + place, 0.0, self._count - 1.0)
            low, high = int(position.min()), min(int(position.max()) + 2, self._count)
            pieces = [self._part(number, low, high) for number in range(low // _INNER, -(-high // _INNER))]
            yield interpolate_states(np.concatenate(pieces), np.asarray(position - low, np.float64))

    def _part(self, number: int, low: int, high: int) -> NDArray[np.float32]:
        """What a piece holds of the states from ``low`` up to ``high``."""
        begin = number * _INNER
        return self._piece(number)[max(low - begin, 0) : high - begin]

    def _hear(self, number: int) -> NDArray[np.float32]:
        """States (n, dim) of one piece."""
        begin, end = number * _INNER, min((number + 1) * _INNER, self._count)
        before, after = max(begin - _CONTEXT, 0), min(end + _CONTEXT, self._count)
        return _hear(self._network, self._wave, before, after)[begin - before : end - before]


def _hear(network: WhisperEncoderNetwork, wave: Wave | LevelledWave, first: int, stop: int) -> NDArray[np.float32]:
    """States (stop - first, dim) of a normalised wave."""
    import torch

    mel = whisper_mel(wave, first * _COLUMNS, stop * _COLUMNS)
    with torch.inference_mode():
        states = network(torch.from_numpy(mel)[None].to(network.device, network.dtype))[0]
    return states.float().cpu().numpy()


def load_embedded_whisper(tokens: int = 2, device: str | torch.device | None = None) -> EmbeddedWhisper:
    """The encoder with the weights that travel in the package.

    Raises:
        WeightsError: They are missing or damaged.
    """
    from facediff.models.checkpoints import open_network
    from facediff.models.whisper import WhisperEncoderNetwork
    from facediff.system.device import choose_device
    from facediff.system.weights import CHECKPOINTS

    network = open_network(WhisperEncoderNetwork, CHECKPOINTS, "whisper")
    return EmbeddedWhisper(network.to(choose_device(str(device) if device is not None else None)), tokens)
