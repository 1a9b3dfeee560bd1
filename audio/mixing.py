"""Many channels to one in which speech is heard: by what they hold, not by what they are called alone.

FFmpeg's mean of the channels is right for most stereo. It is silent where one channel is the other turned upside down,
10 dB too quiet where the centre of six speaks alone, and 18 dB where one microphone of eight does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from facediff.system.timeline import channels_of

SILENT = 1e-6  # mean square: what is nowhere louder than -60 dB of full scale is silent
_BLOCK_S = 0.1
_DEAD = 1e-3  # a channel 30 dB under the loudest one holds nothing that is not in that one
_LOUD = 1e-2  # blocks 20 dB under the loudest ones do not count
_CANCELLED = 0.35  # share of the power of unrelated channels that is left of those that cancel
_CANCELLED_OFTEN = 0.1  # of what is loud
_NEARLY_AS_LOUD = 1e-2  # a centre up to 20 dB under the loudest channel is where speech is
_GAIN = 10.0
_SHARES = {"FL": 0.5, "FR": 0.5, "FC": 0.7071, "LFE": 0.0, "LFE2": 0.0}  # ITU-R BS.775's, to one channel
_OTHER_SHARE = 0.3536


@dataclass
class Survey:
    """What is learnt of the channels of a sound while it is decoded.

    Attributes:
        names: Of the channels, as FFmpeg's (FL, FC, ...).
        powers: Per block of about 100 ms, how the channels go together (C, C): mean products of their samples.
    """

    names: tuple[str, ...]
    powers: list[NDArray[np.float32]] = field(default_factory=list)
    _open: NDArray[np.float32] | None = None
    _samples: int = 0

    def add(self, channels: NDArray[np.float32], sample_rate: int) -> None:
        """Takes note of some samples (C, N)."""
        product = channels @ channels.T
        self._open = product if self._open is None else self._open + product
        self._samples += channels.shape[1]
        if self._samples >= _BLOCK_S * sample_rate:
            self._close()

    def finish(self) -> None:
        """Closes the last block."""
        if self._samples:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self.powers.append(self._open / np.float32(self._samples))
        self._open, self._samples = None, 0

    @property
    def is_silent(self) -> bool:
        """Whether no channel is anywhere louder than -60 dB."""
        return all(float(np.diagonal(power).max()) < SILENT for power in self.powers)


def channels(frame: AudioFrame) -> NDArray[np.float32]:
    """The samples (C, N) of a frame of whatever format, float32, full scale at 1."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, channels_of(frame)).T
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / np.float32(128)
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.float32) / np.float32(2 ** (8 * values.dtype.itemsize - 1))
    return values.astype(np.float32, copy=False)


def shares(names: tuple[str, ...]) -> NDArray[np.float64]:
    """How much of each channel goes into the mean of all (C,); they add up to 1."""
    wanted = np.array([_SHARES.get(name, _OTHER_SHARE) for name in names])
    if len(set(names)) < len(names) or not wanted.any():  # microphones, not loudspeakers
        wanted = np.ones(len(names))
    return wanted / wanted.sum()


@dataclass(frozen=True)
class Mix:
    """How channels become one.

    Attributes:
        weights: (C,); None where FFmpeg's mean does.
        cancels: Whether the plain mean would have lost the sound.
    """

    weights: tuple[float, ...] | None = None
    cancels: bool = False


def choose_mix(survey: Survey) -> Mix:
    """How the channels that were surveyed are best brought to one.

    Channels that hold next to nothing are left out. Where the others cancel, they are turned upside down; where that
    does not help, the loudest stands for all. Of more than two, the centre, or else the loudest, keeps its level.
    """
    if len(survey.names) < 2 or survey.is_silent:
        return Mix()
    powers = np.stack(survey.powers).astype(np.float64)
    best = np.diagonal(powers, axis1=1, axis2=2).max(axis=1)
    loud = powers[best >= np.percentile(best, 95) * _LOUD]
    total = loud.sum(axis=0)
    loudest = int(np.diagonal(total).argmax())
    live = np.diagonal(total) > total[loudest, loudest] * _DEAD
    weights = shares(survey.names) * live
    weights = weights / weights.sum() if weights.any() else np.eye(len(live))[loudest]
    cancels = _cancels(loud, weights)
    if cancels:
        weights = _turned(loud, total, weights, loudest)
    if len(live) == 2:
        return Mix(None if live.all() and not cancels else tuple(weights), cancels)
    return Mix(tuple(weights * _gain(total, weights, _speaker(survey.names, total, loudest))), cancels)


def _cancels(powers: NDArray[np.float64], weights: NDArray[np.float64]) -> bool:
    """Whether much of what is loud is lost in a mix."""
    mixed = np.einsum("i,bij,j->b", weights, powers, weights)
    apart = np.einsum("i,bii->b", weights**2, powers)
    return bool(apart[mixed < _CANCELLED * apart].sum() > _CANCELLED_OFTEN * apart.sum())


def _turned(
    powers: NDArray[np.float64], total: NDArray[np.float64], weights: NDArray[np.float64], loudest: int
) -> NDArray[np.float64]:
    """Weights with the sign that each channel has towards the loudest; the loudest alone where they still cancel."""
    turned = weights * np.where(total[loudest] < 0, -1, 1)
    return np.eye(len(weights))[loudest] if _cancels(powers, turned) else turned


def _speaker(names: tuple[str, ...], total: NDArray[np.float64], loudest: int) -> int:
    """The channel whose level is kept."""
    centre = names.index("FC") if "FC" in names else loudest
    return centre if total[centre, centre] > total[loudest, loudest] * _NEARLY_AS_LOUD else loudest


def _gain(total: NDArray[np.float64], weights: NDArray[np.float64], kept: int) -> float:
    """What makes the part of a mix that goes with a channel as loud as that channel."""
    part = abs(float(weights @ total[kept])) / max(float(total[kept, kept]), 1e-12)
    return float(np.clip(1 / max(part, 1e-6), 1.0, _GAIN))
