"""A stream heard in windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff.audio.encoder import encode_frames
from facediff.audio.wave import load_wave
from facediff.audio.whisper import load_embedded_whisper
from facediff.audio.window_ear import TICK, WindowEar

HELLO = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")[16000:][: 80 * TICK]


@pytest.fixture(scope="module")
def encoder():
    return load_embedded_whisper(2, "cpu")


def test_features_of_a_stream_are_those_of_the_file_at_the_same_moment(encoder):
    ear, whole = WindowEar(encoder), encode_frames(encoder, HELLO, 25, 80).reshape(80, -1)
    for start in range(0, 72, 4):
        heard = ear.hear(HELLO[start * TICK : (start + 4) * TICK], HELLO[(start + 4) * TICK :][:3200])
        assert (heard.before, heard.due, len(heard.activity)) == (50, 4, 4)
        if start in (32, 48, 60):
            rows = heard.features[50:54]
            fits = {lag: np.corrcoef(rows.ravel(), whole[start + lag :][:4].ravel())[0, 1] for lag in range(-5, 6)}
            assert fits[0] > 0.7 and max(fits, key=fits.get) == 0


def test_a_click_is_heard_where_it_is(encoder):
    ear, at, found = WindowEar(encoder), 50, {}
    wave = np.zeros(70 * TICK, np.float32)
    wave[at * TICK : at * TICK + 40] = 0.9
    for tick in range(70):
        heard = ear.hear(wave[tick * TICK : (tick + 1) * TICK], wave[(tick + 1) * TICK :][:3200])
        found[tick] = float(heard.mel[:, heard.mel_start : heard.mel_start + 4].max())
    assert max(found, key=found.get) == at


def test_silence_is_not_encoded_and_speech_is_at_once(encoder):
    ear = WindowEar(encoder)
    quiet = ear.hear(np.zeros(2 * TICK, np.float32), np.zeros(3200, np.float32))
    assert not len(quiet.features) and not quiet.activity.any()
    spoken = ear.hear(HELLO[30 * TICK : 32 * TICK], HELLO[32 * TICK :][:3200])
    assert len(spoken.features) == 50 + 2 + 5


def test_who_is_interrupted_is_forgotten_at_once_and_heard_again(encoder):
    one, fresh = WindowEar(encoder), WindowEar(encoder)
    for ear in (one, fresh):
        ear.hear(HELLO[: 20 * TICK], HELLO[20 * TICK :][:3200])
    one.cut()
    after = one.hear(np.zeros(4 * TICK, np.float32), np.zeros(3200, np.float32))
    assert not after.activity.any() and not len(after.features), "silence after it costs nothing"
    assert len(fresh.hear(np.zeros(4 * TICK, np.float32), np.zeros(3200, np.float32)).features)
    assert len(one.hear(HELLO[30 * TICK : 32 * TICK], HELLO[32 * TICK :][:3200]).features) == 50 + 2 + 5


def test_half_a_tick_is_refused(encoder):
    with pytest.raises(ValueError, match="whole ticks"):
        WindowEar(encoder).hear(np.zeros(100, np.float32), np.zeros(0, np.float32))
