"""The embedded speech feature: a log-mel spectrogram, one hundred columns a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE
from facediff.types import Wave

BANDS, COLUMN_RATE, HOP = 80, 100, 160
FFT, WINDOW, LOWEST_HZ, HIGHEST_HZ = 512, 400, 55.0, 7600.0
FLOOR = 1e-5
SILENCE = float(np.log(FLOOR))  # what a column of digital silence holds
_WHISPER_FFT, _WHISPER_LOUDEST = 400, 1.6  # log10 of the energy in the loudest band; speech reaches 0.8 to 1.2
_CHUNK = 60 * COLUMN_RATE  # columns computed at once, so that memory stays flat


def log_mel(wave: Wave) -> NDArray[np.float32]:
    """Natural-log mel energies (80, steps); column k is centred on 10 k milliseconds.

    There are ceil(N / 160) columns. Beyond both ends of the wave there is silence.
    """
    import librosa

    count = -(-len(wave) // HOP)
    basis = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT, n_mels=BANDS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
    padded = np.pad(np.asarray(wave, np.float32), (FFT // 2, FFT // 2 + HOP))
    out = np.empty((BANDS, count), np.float32)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        part = padded[start * HOP : (stop - 1) * HOP + FFT]
        power = np.abs(librosa.stft(part, n_fft=FFT, hop_length=HOP, win_length=WINDOW, center=False)) ** 2
        out[:, start:stop] = np.log(np.maximum(basis @ power, FLOOR))
    return out


def whisper_mel(wave: Wave, start: int, stop: int) -> NDArray[np.float32]:
    """Log-mel (80, stop - start) as Whisper hears it; column k is centred on 10 k milliseconds.

    As in the feature extractor of Radford et al. (2023), but for the loudest moment, under which 80 dB are heard: it is
    a fixed one, that of speech of the level that ``normalise_loudness`` gives, so that no part needs to know the whole.

    Args:
        wave: Mono, 16 kHz, normalised. Beyond both ends of it there is silence.
        start: First column.
        stop: The one after the last.
    """
    import librosa

    low, high = start * HOP - _WHISPER_FFT // 2, (stop - 1) * HOP + _WHISPER_FFT // 2
    inside = np.asarray(wave[max(low, 0) : max(high, 0)], np.float32)
    before = max(-low, 0)
    part = np.pad(inside, (before, high - low - before - len(inside)))
    basis = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=_WHISPER_FFT, n_mels=BANDS)
    power = np.abs(librosa.stft(part, n_fft=_WHISPER_FFT, hop_length=HOP, center=False)) ** 2
    loudness = np.log10(np.maximum(basis @ power, 1e-10))
    return ((np.maximum(loudness, _WHISPER_LOUDEST - 8) + 4) / 4).astype(np.float32)


def without_channel(mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Log-mel with what the voice, the microphone and the room add to every column taken out, in [-3, 3].

    The mean of each band over the columns that are not silent is subtracted (cepstral mean normalisation: Atal 1974),
    which is what lets a model that heard few people understand others.

    Args:
        mel: (80, steps) natural-log mel energies of a whole recording.
    """
    loud = np.asarray(mel.max(axis=0))
    heard = loud > max(float(loud.max(initial=SILENCE)) - 9.0, SILENCE + 3.0)
    mean = mel[:, heard].mean(axis=1, keepdims=True) if heard.any() else np.zeros((len(mel), 1))
    return np.clip((mel - mean) / 3.0, -3.0, 3.0).astype(np.float32)
