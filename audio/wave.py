"""Sound files to mono waves at 16 kHz, through PyAV."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from facediff.audio.listening import Findings, Listening, decode, order_tracks
from facediff.audio.wave_store import WaveStore
from facediff.errors import AudioError
from facediff.types import SoundTrack, Wave

log = logging.getLogger(__name__)

SAMPLE_RATE = 16000
MAX_SECONDS = 2 * 3600.0
_OFFSET = 0.01  # share of a wave's power from which on its mean is an offset


def load_wave(
    path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS, track: int | None = None
) -> Wave:
    """The sound of a file, mono, float32 in [-1, 1], at 16 kHz unless told otherwise.

    It begins with the first frame of the picture where there is one: silence stands for what is missing before and
    within it, and what lies before is cut. A sound alone begins with its own first sample. Channels are mixed so that
    speech is heard (see ``facediff.audio.mixing``), and what is louder than full scale is turned down.

    Args:
        path: A sound file, or a video with sound; any rate and channel count that PyAV opens.
        sample_rate: Samples per second wanted.
        max_seconds: Longer sounds are refused, as soon as that much of them is read.
        track: Which of several sounds, counted from 1; by default the file's own default, or else the first, if it is
            not silent.

    Raises:
        AudioError: No such file, not readable, no such sound in it, empty, or too long.
    """
    return load_sound(path, sample_rate=sample_rate, max_seconds=max_seconds, track=track).wave


def load_sound(
    path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS, track: int | None = None
) -> SoundTrack:
    """What ``load_wave`` gives, with its place in the file."""
    path = Path(path)
    with _sound_errors(path):
        heard, findings, store = _choose(path, sample_rate, max_seconds, track)
        wave = store.join()
        if heard.gain != 1:
            wave *= heard.gain
        return SoundTrack(path, findings.stream, findings.zero, wave)


def read_samples(samples: NDArray[Any]) -> Wave:
    """Speech that is given as an array, float32 in [-1, 1]; what is louder than full scale is turned down, as in files.

    Args:
        samples: (N,) at 16 kHz, floats, or integers of 16 or 32 bits, which become a share of full scale.

    Raises:
        AudioError: It is not mono, empty, of another type, or not finite.
    """
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {samples.shape}")
    if samples.dtype in (np.int16, np.int32):
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    if samples.dtype.kind != "f":
        raise AudioError(f"a wave is of floats in [-1, 1], or of int16 or int32, not of {samples.dtype}")
    wave = samples.astype(np.float32, copy=False)
    peak = float(np.abs(wave).max())
    if not np.isfinite(peak):
        raise AudioError("a wave holds samples that are no numbers (NaN or infinite)")
    return wave / np.float32(peak) if peak > 1 else wave


def stream_wave(
    path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS, track: int | None = None
) -> Iterator[Wave]:
    """What ``load_wave`` gives, piece by piece, never empty as a whole; only a piece is held in memory.

    The file is read through beforehand, to learn how its channels and tracks go together.

    Args:
        path: As for ``load_wave``.
        sample_rate: As for ``load_wave``.
        max_seconds: As for ``load_wave``.
        track: As for ``load_wave``.

    Raises:
        AudioError: As for ``load_wave``, while the pieces are taken.
    """
    path = Path(path)
    with _sound_errors(path):
        heard, _, _ = _choose(path, sample_rate, max_seconds, track, is_kept=False)
        for piece in decode(path, heard, sample_rate, Findings()):
            yield piece if heard.gain == 1 else piece * heard.gain


@contextmanager
def _sound_errors(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise AudioError(f"there is no sound file at {path}")
    try:
        yield
    except AudioError:
        raise
    except (av.FFmpegError, ValueError) as error:  # several of the former are ValueErrors and OSErrors too
        raise AudioError(f"{path} cannot be read as sound: it is corrupt or of an unknown kind") from error


def _choose(
    path: Path, sample_rate: int, max_seconds: float, track: int | None, *, is_kept: bool = True
) -> tuple[Listening, Findings, WaveStore]:
    """How to listen to a file, and what is heard then, before the gain; nothing where it is not to be kept."""
    if track is not None and track < 1:
        raise AudioError(f"tracks are counted from 1; there is no track {track}")
    first: tuple[Listening, Findings, WaveStore] | None = None
    failure: av.FFmpegError | None = None
    numbers = order_tracks(path) if track is None else [track - 1]
    for number in numbers:
        try:
            heard = _listen(path, Listening(number), sample_rate, max_seconds, is_kept=is_kept)
        except av.FFmpegError as error:  # perhaps of a codec that is not known here; another track may do
            failure = failure or error
            continue
        if heard[1].samples and not heard[1].is_silent:
            if number and track is None:
                why = "is the file's default" if number == numbers[0] else "is the first with sound in it"
                _warn_once(f"{path}: track {number + 1} {why}, so that one is taken")
            return heard
        first = first or heard
    if first is None:
        raise failure or AudioError(f"{path} has no sound; give a file with sound in it")
    if not first[1].samples:
        raise AudioError(f"{path} holds a sound of zero length")
    return first


@lru_cache(maxsize=64)
def _warn_once(message: str) -> None:  # files are heard at several rates
    log.warning("%s", message)


def _listen(
    path: Path, listening: Listening, sample_rate: int, max_seconds: float, *, is_kept: bool
) -> tuple[Listening, Findings, WaveStore]:
    """Decodes a track, and once more if it then turns out that it should have been listened to otherwise."""
    while True:
        findings, store = Findings(), WaveStore()
        for piece in decode(path, listening, sample_rate, findings):
            if findings.samples > max_seconds * sample_rate:
                raise AudioError(f"{path} is longer than {max_seconds:g} seconds; cut it into parts")
            if is_kept:
                store.append(piece)
        if findings.has_no_numbers:
            _warn_once(f"{path} holds samples that are no numbers (NaN or infinite); silence stands for them")
        better = findings.improve(listening)
        if better == listening:
            if any(mix.cancels for mix in listening.mixes.values()):
                _warn_once(f"{path}: its channels cancel when they are mixed, so they are put together otherwise")
            return findings.turn_down(listening), findings, store
        listening = better


class LevelledWave:
    """A wave at a given loudness, of which parts are made when they are asked for: ``levelled[start:stop]``.

    Loudness is the level (RMS, dB of full scale) of the 20 ms blocks that are not silent: those less than 20 dB under
    the mean of the blocks above -60 dB, as in the two gates of ITU-R BS.1770 without its ear filter. Bangs that would
    leave [-1, 1] are turned down, and 10 ms around them; of a wave with bangs all is made at once. A constant that a
    microphone adds is no sound, and taken out.

    Args:
        wave: Mono, 16 kHz, float32; it is kept, not copied.
        target_db: The loudness. Silence stays silence.
    """

    def __init__(self, wave: Wave, target_db: float = -23.0) -> None:
        self._wave, self._mean, self._gain = wave, _offset(wave), np.float32(1)
        centred = self._centred(wave)
        block = SAMPLE_RATE // 50
        whole = centred[: len(wave) // block * block].reshape(-1, block) if len(wave) >= block else centred[None]
        power = np.einsum("ij,ij->i", whole, whole, dtype=np.float64) / max(whole.shape[1], 1)
        loud = power[power > 1e-6]
        if not loud.size:
            return
        level = 10 * np.log10(loud[loud > loud.mean() / 100].mean())
        self._gain = np.float32(10 ** ((target_db - level) / 20))
        if max(centred.max(), -centred.min()) * self._gain > 1:
            self._wave, self._mean, self._gain = _turn_down(centred * self._gain, block), np.float64(0), np.float32(1)

    def __len__(self) -> int:
        return len(self._wave)

    def __getitem__(self, part: slice) -> Wave:
        """A part of it, as it is in the whole."""
        return self._centred(self._wave[part]) * self._gain

    def _centred(self, wave: Wave) -> Wave:
        return wave if self._mean == 0 else (wave - self._mean).astype(np.float32)


def normalise_loudness(wave: Wave, target_db: float = -23.0) -> Wave:
    """The wave at a given loudness; silence stays silence, and nothing clips. See ``LevelledWave``."""
    return LevelledWave(wave, target_db)[:]


def _offset(wave: Wave) -> np.float64:
    """The mean of a wave, where that is not small beside what varies; else 0."""
    if not wave.size:
        return np.float64(0)
    mean = wave.mean(dtype=np.float64)
    variance = np.einsum("i,i->", wave, wave, dtype=np.float64) / wave.size - mean**2  # of numpy's own, a copy is made
    return mean if mean**2 > max(_OFFSET * variance, 1e-6) else np.float64(0)


def _turn_down(louder: Wave, block: int) -> Wave:
    """A wave without what leaves [-1, 1], which is turned down with what is around it."""
    # The minimum reaches as far as the mean, so the smoothed gain is nowhere above what a peak allows.
    allowed = minimum_filter1d(1 / np.maximum(np.abs(louder), 1), block + 1, mode="nearest")
    return np.clip(louder * uniform_filter1d(allowed, block + 1, mode="nearest"), -1, 1).astype(np.float32)
