"""Sound that comes in packets: of any length, any rate, as integers or floats, and brought to one rate in a stream."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from facediff.errors import AudioError
from facediff.types import Wave

RATES = (4000, 192_000)  # samples a second that are taken
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

    A piece may give fewer samples than its share, as long as the filter waits for what follows; ``finish`` gives the
    rest, and in all there are as many as the whole would have given.
    """

    def __init__(self, source: int, target: int) -> None:
        self.source, self.target = int(source), int(target)
        self._stream = self._open()

    def __call__(self, wave: Wave) -> Wave:
        """The samples that are ready by now."""
        if self._stream is None:
            return wave
        return np.asarray(self._stream.resample_chunk(wave, last=False), np.float32)

    def finish(self) -> Wave:
        """The samples that are left; what comes after is a new wave."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest: NDArray[np.float32] = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream = self._open()
        return np.asarray(rest, np.float32)

    def _open(self) -> soxr.ResampleStream | None:
        if self.source == self.target:
            return None
        return soxr.ResampleStream(self.source, self.target, 1, dtype="float32", quality="MQ")
