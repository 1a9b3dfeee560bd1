"""Loudness and voice activity of what is still coming in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff.audio.features import log_mel
from facediff.audio.running import RunningLoudness, RunningVoiceActivity
from facediff.audio.voice_activity import voice_activity
from facediff.audio.wave import load_wave, normalise_loudness

HELLO = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")


def level(wave):
    return 20 * np.log10(np.sqrt((wave.astype(np.float64) ** 2).mean()))


@pytest.mark.parametrize("loudness", [0.02, 0.3, 1.0])
def test_speech_of_any_level_comes_to_that_of_whole_files_within_two_decibels(loudness):
    wave = HELLO * np.float32(loudness)
    running = RunningLoudness()
    for part in np.split(wave[:48000], 75):
        running.push(part)
    whole = normalise_loudness(wave)
    assert abs(level(wave * np.float32(running.gain)) - level(whole)) < 2


def test_pauses_change_no_gain():
    running = RunningLoudness()
    running.push(HELLO[:32000])
    gain = running.gain
    running.push(np.zeros(160_000, np.float32))
    assert running.gain == gain


def test_looking_ahead_teaches_nothing():
    running = RunningLoudness()
    gain = running.gain
    assert running.ahead(0.5 * np.ones(6400, np.float32)).gain < gain == running.gain


def run_activity(mel, step=8, ahead=16):
    running = RunningVoiceActivity()
    out = []
    for start in range(0, mel.shape[1] - step + 1, step):
        out.append(running(mel[:, start : start + step + ahead], step)[:step])
    return np.concatenate(out)


def test_activity_is_that_of_whole_files_most_of_the_time():
    mel = log_mel(normalise_loudness(np.concatenate([np.zeros(16000, np.float32), HELLO])))
    whole, running = voice_activity(mel), run_activity(mel)
    assert np.mean((whole[: len(running)] > 0.5) == (running > 0.5)) > 0.85


def test_activity_ends_within_two_tenths_of_a_second_and_begins_before_the_sound():
    spoken = normalise_loudness(HELLO)[16000:32000]
    wave = np.concatenate([np.zeros(16000, np.float32), spoken, np.zeros(32000, np.float32)])
    running = run_activity(log_mel(wave))
    loud = np.flatnonzero(np.abs(wave) > 0.02) / 160
    on = np.flatnonzero(running > 0)
    assert loud[0] - 12 <= on[0] <= loud[0]
    assert on[-1] <= loud[-1] + 20
    assert running[220:320].max() == 0


def test_silence_and_steady_noise_are_no_speech():
    assert run_activity(log_mel(np.zeros(32000, np.float32))).max() == 0
    noise = np.random.default_rng(0).normal(0, 0.05, 16000 * 8).astype(np.float32)
    assert run_activity(log_mel(noise))[400:].mean() < 0.05


def test_a_release_ends_it_at_once():
    running = RunningVoiceActivity()
    mel = log_mel(normalise_loudness(HELLO))
    for start in range(0, 160, 8):
        running(mel[:, start : start + 8], 8)
    running.release()
    quiet = np.full((80, 8), mel.min(), np.float32)
    assert running(quiet, 8).max() == 0
