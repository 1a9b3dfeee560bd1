"""The embedded speech feature: a log-mel spectrogram, one hundred columns a second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE, LevelledWave
from facediff.types import Wave

BANDS, COLUMN_RATE, HOP = 80, 100, 160
FFT, WINDOW, LOWEST_HZ, HIGHEST_HZ = 512, 400, 55.0, 7600.0
FLOOR = 1e-5
SILENCE = float(np.log(FLOOR))  # what a column of digital silence holds
_WHISPER_FFT, _WHISPER_LOUDEST = 400, 1.6  # log10 of the energy in the loudest band; speech reaches 0.8 to 1.2
_LINEAR_HZ, _KNEE_HZ = 200.0 / 3, 1000.0  # of a mel, up to the knee
_LOG_STEP = float(np.log(6.4)) / 27
_CHUNK = 60 * COLUMN_RATE  # columns computed at once, so that memory stays flat


def log_mel(wave: Wave | LevelledWave) -> NDArray[np.float32]:
    """Natural-log mel energies (80, steps); column k is centred on 10 k milliseconds.

    There are ceil(N / 160) columns. Beyond both ends of the wave there is silence.
    """
    count = -(-len(wave) // HOP)
    basis = mel_filters(FFT, LOWEST_HZ, HIGHEST_HZ)
    out = np.empty((BANDS, count), np.float32)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        power = _power(_cut(wave, start, stop, FFT), FFT, WINDOW)
        out[:, start:stop] = np.log(np.maximum(basis @ power, FLOOR))
    return out


def whisper_mel(wave: Wave | LevelledWave, start: int, stop: int) -> NDArray[np.float32]:
    """Log-mel (80, stop - start) as Whisper hears it; column k is centred on 10 k milliseconds.

    As in the feature extractor of Radford et al. (2023), but for the loudest moment, under which 80 dB are heard: it is
    a fixed one, that of speech of the level that ``normalise_loudness`` gives, so that no part needs to know the whole.

    Args:
        wave: Mono, 16 kHz, normalised. Beyond both ends of it there is silence.
        start: First column.
        stop: The one after the last.
    """
    basis = mel_filters(_WHISPER_FFT, 0.0, SAMPLE_RATE / 2)
    power = _power(_cut(wave, start, stop, _WHISPER_FFT), _WHISPER_FFT, _WHISPER_FFT)
    loudness = np.log10(np.maximum(basis @ power, 1e-10))
    return ((np.maximum(loudness, _WHISPER_LOUDEST - 8) + 4) / 4).astype(np.float32)


def _cut(wave: Wave | LevelledWave, start: int, stop: int, fft: int) -> Wave:
    """The samples under columns from ``start`` up to ``stop``, with silence beyond both ends of the wave."""
    low, high = start * HOP - fft // 2, (stop - 1) * HOP + fft - fft // 2
    inside = np.asarray(wave[max(low, 0) : max(high, 0)], np.float32)
    before = max(-low, 0)
    return np.pad(inside, (before, high - low - before - len(inside)))


@lru_cache(maxsize=4)
def mel_filters(fft: int, lowest_hz: float, highest_hz: float) -> NDArray[np.float32]:
    """Triangles (80, fft // 2 + 1) evenly spaced on the mel scale, each of unit area.

    Source: Slaney, "Auditory Toolbox" (1998): linear below 1 kHz, logarithmic above. They are librosa's, to the bit;
    its import would take a second of every command's start.

    Args:
        fft: Samples of a spectrum.
        lowest_hz: Where the first begins.
        highest_hz: Where the last ends.
    """
    corners: NDArray[np.float64] = _to_hz(np.linspace(_to_mel(lowest_hz), _to_mel(highest_hz), BANDS + 2))
    ramps = np.subtract.outer(corners, np.fft.rfftfreq(fft, 1.0 / SAMPLE_RATE))
    widths = np.diff(corners)
    weights = np.empty((BANDS, fft // 2 + 1), np.float32)
    for band in range(BANDS):
        weights[band] = np.maximum(0, np.minimum(-ramps[band] / widths[band], ramps[band + 2] / widths[band + 1]))
    weights *= 2.0 / (corners[2:, None] - corners[:-2, None])
    weights.setflags(write=False)
    return weights


def _to_mel(hz: float) -> float:
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else _KNEE_HZ / _LINEAR_HZ + float(np.log(hz / _KNEE_HZ)) / _LOG_STEP


def _to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mels >= knee, _KNEE_HZ * np.exp(_LOG_STEP * (mels - knee)), _LINEAR_HZ * mels)


def _power(wave: NDArray[np.float32], fft: int, window: int) -> NDArray[np.float32]:
    """Power (fft // 2 + 1, steps) of windows of so many samples, a hop apart, in the middle of ``fft`` samples."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spread = np.pad(hann, ((fft - window) // 2, fft - window - (fft - window) // 2))
    parts = sliding_window_view(wave, fft)[::HOP] * spread
    size: NDArray[np.float32] = np.abs(np.fft.rfft(parts).astype(np.complex64)).T
    return np.square(size)
