"""Sound that comes in packets: of any length, any rate, as integers or floats, and brought to one rate in a stream."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facediff.errors import AudioError
from facediff.types import Wave

RATES = (4000, 192_000)  # samples a second that are taken
_CROSSINGS, _BETA, _ROLL_OFF = 16, 8.0, 0.92  # half a filter in zeros of its sinc; Kaiser's beta; pass band
_LOUDEST = 4.0  # of a float sample; what is louder was meant for another scale


def read_packet(data: bytes | bytearray | memoryview | ArrayLike, sample_rate: int) -> Wave:
    """A packet as a mono wave in [-1, 1] at its own rate; of no samples where it is empty.

    Args:
        data: Little-endian 16-bit integers as bytes, or an array (N,) of int16 or floats.
        sample_rate: Samples a second; checked here, since it comes with the packet.

    Raises:
        AudioError: It is no such thing, half a sample, not mono, not finite, or out of scale.
    """
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | np.integer):
        raise AudioError(f"sample_rate is a whole number of samples a second, not {sample_rate!r}")
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise AudioError(f"sample_rate is from {RATES[0]} to {RATES[1]} samples a second, not {sample_rate}")
    if isinstance(data, bytes | bytearray | memoryview):
        raw = bytes(data)
        if len(raw) % 2:
            raise AudioError(f"a packet of bytes holds samples of 16 bits; {len(raw)} bytes end in half a sample")
        return (np.frombuffer(raw, "<i2") / np.float32(32768)).astype(np.float32)
    wave = np.asarray(data)
    if not wave.ndim:
        raise AudioError(f"a packet is sound, as bytes or an array (N,), not {type(data).__name__}")
    if wave.ndim != 1:
        raise AudioError(f"a packet is mono, an array (N,), not of shape {wave.shape}; mix its channels first")
    if not wave.size:
        return np.zeros(0, np.float32)
    if wave.dtype == np.int16:
        return (wave / np.float32(32768)).astype(np.float32)
    if wave.dtype.kind != "f":
        raise AudioError(f"a packet is bytes, int16 or floats in [-1, 1], not {wave.dtype}")
    if not np.isfinite(wave).all():
        raise AudioError("a packet holds samples that are no numbers (NaN or infinite); nothing of it was taken")
    loudest = float(np.abs(wave).max())
    if loudest > _LOUDEST:
        raise AudioError(f"floats of a packet are in [-1, 1], and one is {loudest:g}; give 16-bit samples as int16")
    return np.clip(wave, -1, 1).astype(np.float32)


class StreamResampler:
    """Brings a wave that comes in pieces to another rate, without a seam between them.

    A sample comes out as soon as half a filter of what follows is known, which is 1 ms at 16 kHz; soxr's stream, which
    is a better filter, works in blocks and holds back 20 ms on average, up to 115 of a wave at 8 kHz, and a look-ahead
    is 200. The filter is a sinc under a Kaiser window, 80 dB (Smith, "Digital Audio Resampling"), each phase of it
    computed once.

    Args:
        source: Samples a second that come.
        target: Samples a second that are wanted.
    """

    def __init__(self, source: int, target: int) -> None:
        self.source, self.target = int(source), int(target)
        common = gcd(self.source, self.target)
        self._up, self._down = self.target // common, self.source // common
        narrow = min(1.0, self.target / self.source)
        self._half = ceil(_CROSSINGS / narrow)
        place = np.arange(1 - self._half, self._half + 1) - (np.arange(self._up) / self._up)[:, None]
        inside = np.clip(1 - (place / self._half) ** 2, 0, None)
        self._phases = narrow * np.sinc(narrow * _ROLL_OFF * place) * _ROLL_OFF * np.i0(_BETA * np.sqrt(inside))
        self._phases /= self._phases.sum(axis=1, keepdims=True)
        self._restart()

    def _restart(self) -> None:
        self._known: NDArray[np.float32] = np.zeros(
            self._half, np.float32
        )  # from ``_begin`` on, in samples of the source
        self._begin: int = -self._half
        self._count: int = 0
        self._given: int = 0

    def __call__(self, wave: Wave) -> Wave:
        """The samples that are ready by now."""
        if self.source == self.target:
            return wave
        self._known = np.concatenate([self._known, wave])
        self._count += len(wave)
        return self._run((self._count - self._half) * self._up // self._down)

    def finish(self) -> Wave:
        """The samples that are left; what comes after is a new wave."""
        if self.source == self.target:
            return np.zeros(0, np.float32)
        stop = round(self._count * self._up / self._down)
        self._known = np.pad(self._known, (0, self._half + self._down))
        rest = self._run(stop)
        self._restart()
        return rest

    def _run(self, stop: int) -> Wave:
        """Samples up to ``stop``, which half a filter of the source follows."""
        number = np.arange(self._given, max(self._given, stop))
        if not len(number):
            return np.zeros(0, np.float32)
        at, phase = np.divmod(number * self._down, self._up)
        first = at - self._half + 1 - self._begin
        taps = np.lib.stride_tricks.sliding_window_view(self._known, 2 * self._half)
        out = np.einsum("nk,nk->n", taps[first], self._phases[phase])
        self._given = stop
        behind = stop * self._down // self._up - self._half + 1
        self._known, self._begin = self._known[behind - self._begin :], behind
        return out.astype(np.float32)
