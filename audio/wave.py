"""Sound files to mono waves at 16 kHz, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av import AudioFrame
from av.container import InputContainer
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from facediff.errors import AudioError
from facediff.system.containers import open_container
from facediff.types import Wave

SAMPLE_RATE = 16000
MAX_SECONDS = 2 * 3600.0


def load_wave(path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS) -> Wave:
    """The sound of a file, mono, float32 in [-1, 1], at 16 kHz unless told otherwise.

    Args:
        path: A sound file, or a video with sound; any rate and channel count that PyAV opens.
        sample_rate: Samples per second wanted.
        max_seconds: Longer sounds are refused, as soon as that much of them is read.

    Raises:
        AudioError: No such file, not readable, no sound in it, empty, or too long.
    """
    return np.concatenate(list(stream_wave(path, sample_rate=sample_rate, max_seconds=max_seconds)))


def stream_wave(
    path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS
) -> Iterator[Wave]:
    """What ``load_wave`` gives, piece by piece, never empty as a whole; only a piece is held in memory.

    Args:
        path: As for ``load_wave``.
        sample_rate: As for ``load_wave``.
        max_seconds: As for ``load_wave``.

    Raises:
        AudioError: As for ``load_wave``, while the pieces are taken.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"there is no sound file at {path}")
    total = 0
    try:
        with open_container(path) as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no sound; give a file with speech in it")
            for piece in _resampled(_decoded(container), sample_rate):
                total += len(piece)
                if total > max_seconds * sample_rate:
                    raise AudioError(f"{path} is longer than {max_seconds:g} seconds; cut it into parts")
                yield piece
    except av.FFmpegError as error:  # several of them are ValueErrors and OSErrors too
        raise AudioError(f"{path} cannot be read as sound: it is corrupt or of an unknown kind") from error
    if not total:
        raise AudioError(f"{path} holds a sound of zero length")


def _decoded(container: InputContainer) -> Iterator[AudioFrame]:
    """Decoded frames; what follows damage in mid-file is left out, a file without any good frame is refused."""
    good = 0
    try:
        for frame in container.decode(container.streams.audio[0]):
            good += 1
            frame.pts = None  # gaps in time stamps are the container's affair; samples are counted
            yield frame
    except av.FFmpegError:
        if not good:
            raise


def _resampled(frames: Iterator[AudioFrame], sample_rate: int) -> Iterator[Wave]:
    """Mono pieces at another rate; a change of rate or channels in mid-file starts a new resampler."""
    setup: tuple[str, str, int] | None = None
    resampler: av.AudioResampler | None = None
    for frame in chain(frames, (None,)):
        now = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        pieces = []
        if resampler is not None and now != setup:
            pieces += resampler.resample(None)
        if now != setup:
            # Whole numbers make FFmpeg weigh the channels so that their sum cannot clip; floats do not.
            resampler = av.AudioResampler(format="s32", layout="mono", rate=sample_rate)
        if resampler is not None and frame is not None:
            pieces += resampler.resample(frame)
        setup = now
        for piece in pieces:
            yield (piece.to_ndarray()[0] / np.float32(2**31)).astype(np.float32)


def normalise_loudness(wave: Wave, target_db: float = -23.0) -> Wave:
    """The wave at a given loudness; silence stays silence, and nothing clips.

    Loudness is the level (RMS, dB of full scale) of the 20 ms blocks that are not silent: those less than 20 dB under
    the mean of the blocks above -60 dB, as in the two gates of ITU-R BS.1770 without its ear filter. Bangs that would
    leave [-1, 1] are turned down, and 10 ms around them.
    """
    block = SAMPLE_RATE // 50
    whole = wave[: len(wave) // block * block].reshape(-1, block) if len(wave) >= block else wave[None]
    power = np.einsum("ij,ij->i", whole, whole, dtype=np.float64) / max(whole.shape[1], 1)
    loud = power[power > 1e-6]
    if not loud.size:
        return wave.copy()
    level = 10 * np.log10(loud[loud > loud.mean() / 100].mean())
    louder = wave * np.float32(10 ** ((target_db - level) / 20))
    if np.abs(louder).max() <= 1:
        return louder
    # The minimum reaches as far as the mean, so the smoothed gain is nowhere above what a peak allows.
    allowed = minimum_filter1d(1 / np.maximum(np.abs(louder), 1), block + 1, mode="nearest")
    return np.clip(louder * uniform_filter1d(allowed, block + 1, mode="nearest"), -1, 1).astype(np.float32)
