import librosa
import numpy as np
import pytest

from facediff.audio.features import BANDS, SILENCE, log_mel, mel_filters


def whole_mel(wave: np.ndarray) -> np.ndarray:
    """The same in one call of librosa, without pieces."""
    heard = np.abs(librosa.stft(y=wave, n_fft=512, win_length=400, hop_length=160)) ** 2  # compiles nothing first
    power = librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, fmin=55.0, fmax=7600.0) @ heard
    return np.log(np.maximum(power, 1e-5))


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 16000, 16001])
def test_there_is_a_column_for_every_10_ms_begun(samples):
    mel = log_mel(np.full(samples, 0.1, np.float32))
    assert mel.shape == (80, -(-samples // 160))
    assert mel.dtype == np.float32


def test_no_sound_has_no_columns():
    assert log_mel(np.zeros(0, np.float32)).shape == (BANDS, 0)


@pytest.mark.parametrize("seconds", [0.5, 119.995])
def test_pieces_hear_what_librosa_hears_in_one(seconds):
    wave = (0.1 * np.random.default_rng(0).standard_normal(round(seconds * 16000))).astype(np.float32)
    mel = log_mel(wave)
    np.testing.assert_allclose(mel, whole_mel(wave)[:, : mel.shape[1]], atol=1e-4)


@pytest.mark.parametrize("t", [0.0, 0.5, 0.734, 59.996, 60.0, 60.014])
def test_a_click_lands_in_the_column_of_its_time(t):
    wave = np.zeros(16000 * 61, np.float32)
    wave[round(t * 16000)] = 1.0
    assert log_mel(wave).sum(axis=0).argmax() == round(100 * t)


def test_silence_is_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(1600, np.float32)), SILENCE, rtol=1e-6)


def test_a_tone_is_loudest_in_the_band_of_its_frequency():
    wave = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    centres = librosa.mel_frequencies(82, fmin=55.0, fmax=7600.0)[1:-1]
    assert log_mel(wave)[:, 50].argmax() == np.abs(centres - 1000).argmin()


@pytest.mark.parametrize(("fft", "lowest_hz", "highest_hz"), [(512, 55.0, 7600.0), (400, 0.0, 8000.0)])
def test_filters_are_those_of_librosa(fft, lowest_hz, highest_hz):
    wanted = librosa.filters.mel(sr=16000, n_fft=fft, n_mels=80, fmin=lowest_hz, fmax=highest_hz)
    np.testing.assert_array_equal(mel_filters(fft, lowest_hz, highest_hz), wanted)
