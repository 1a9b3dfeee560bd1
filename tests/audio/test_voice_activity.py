from importlib.resources import as_file, files

import numpy as np
import pytest

from facediff.audio import voice_activity as module
from facediff.audio.features import log_mel
from facediff.audio.voice_activity import voice_activity
from facediff.audio.wave import load_wave, normalise_loudness

RATE = 16000


def syllables(seconds: float) -> np.ndarray:
    """Something like speech: a glottal buzz through moving formants, four syllables a second."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(120 + 15 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    formant = 600 + 250 * np.sin(2 * np.pi * 2.1 * t)
    wave = np.zeros_like(t)
    for k in range(1, 30):
        hz = k * 120
        wave += np.sin(k * pitch) * (np.exp(-(((hz - formant) / 150) ** 2)) + 0.4 * np.exp(-(((hz - 1800) / 300) ** 2)))
    return (0.1 * wave * (0.08 + np.abs(np.sin(2 * np.pi * 2 * t)))).astype(np.float32)


def noise(seconds: float, level: float) -> np.ndarray:
    return (level * np.random.default_rng(3).standard_normal(round(seconds * RATE))).astype(np.float32)


def activity(wave: np.ndarray) -> np.ndarray:
    return voice_activity(log_mel(normalise_loudness(wave)))


@pytest.mark.parametrize("snr_db", [np.inf, 20, 10])
def test_a_pause_is_found_in_quiet_and_in_noise(snr_db):
    speech = syllables(3.0)
    wave = np.concatenate([speech, np.zeros(2 * RATE, np.float32), speech])
    wave += noise(8.0, float(np.sqrt((speech**2).mean()) * 10 ** (-snr_db / 20)))
    value = activity(wave)
    assert value.shape == (800,)
    assert value.min() >= 0
    assert value.max() <= 1
    assert value[330:470].max() < 0.05
    spoken = np.r_[value[10:290], value[510:790]]
    assert (spoken > 0.5).mean() > 0.9


@pytest.mark.parametrize("snr_db", [np.inf, 20])
def test_a_pause_is_found_in_the_sample_sentence(snr_db):
    with as_file(files("facediff") / "samples" / "hello.flac") as path:
        speech = load_wave(path)
    wave = np.concatenate([speech, np.zeros(2 * RATE, np.float32), speech])
    wave += noise(len(wave) / RATE, float(np.sqrt((speech**2).mean()) * 10 ** (-snr_db / 20)))
    value = activity(wave)
    gap = len(speech) // 160
    assert value[gap + 25 : gap + 175].max() < 0.05
    assert 0.6 < (value[:gap] > 0.5).mean() <= 1


@pytest.mark.parametrize("hum", [False, True])
def test_steady_noise_alone_is_not_speech(hum):
    t = np.arange(6 * RATE) / RATE
    wave = noise(6.0, 0.05) if not hum else (0.2 * np.sign(np.sin(2 * np.pi * 50 * t))).astype(np.float32)
    assert (activity(wave) > 0.5).mean() < 0.05


def test_silence_is_not_speech():
    assert not activity(np.zeros(RATE, np.float32)).any()
    assert not activity(noise(4.0, 10 ** (-70 / 20))).any()
    assert voice_activity(np.zeros((80, 0), np.float32)).shape == (0,)


def test_one_short_held_vowel_is_speech():
    t = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20))
    assert (activity((0.1 * vowel).astype(np.float32))[10:90] > 0.5).all()


def test_a_short_gap_inside_a_word_stays_speech():
    wave = syllables(4.0)
    wave[2 * RATE : 2 * RATE + 1600] = 0  # the closure of a p
    assert activity(wave)[190:220].min() > 0.9


def test_the_value_eases_in_and_out():
    wave = np.concatenate([np.zeros(RATE, np.float32), syllables(2.0), np.zeros(RATE, np.float32)])
    assert np.abs(np.diff(activity(wave))).max() <= 0.2


def test_pieces_of_a_long_recording_make_no_difference(monkeypatch):
    mel = log_mel(normalise_loudness(np.concatenate([syllables(20.0), noise(10.0, 0.001)])))
    whole = voice_activity(mel)
    monkeypatch.setattr(module, "_CHUNK", 333)
    np.testing.assert_array_equal(voice_activity(mel), whole)


@pytest.mark.parametrize(("faint_db", "is_heard"), [(38.0, True), (26.0, False)])
def test_how_faint_speech_may_be_is_said(faint_db, is_heard):
    wave = syllables(3)
    wave[24000:] *= 10 ** (-32 / 20)
    activity = voice_activity(log_mel(normalise_loudness(wave)), faint_db=faint_db)
    assert activity[50:100].mean() > 0.5 and (activity[200:250].mean() > 0.5) == is_heard
