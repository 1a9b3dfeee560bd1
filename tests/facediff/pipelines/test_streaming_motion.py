"""Motion sampled in windows whose past is held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff.audio.wave import load_wave
from facediff.audio.window_ear import TICK, WindowEar
from facediff.motion import coefficients
from facediff.pipelines.loading import load_talk
from facediff.pipelines.streaming_motion import StreamingMotion

HELLO = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")[16000:][: 100 * TICK]


@pytest.fixture(scope="module")
def pipeline():
    return load_talk(device="cpu")[0]


def stream(pipeline, wave, chunk=4, seed=0):
    ear, motion, rows, opens = WindowEar(pipeline.encoder), StreamingMotion(pipeline, seed=seed), [], []
    for start in range(0, len(wave) // TICK, chunk):
        stop = start + chunk
        heard = ear.hear(wave[start * TICK : stop * TICK], wave[stop * TICK :][:2560])
        row, share = motion.sample(heard)
        rows.append(row)
        opens.append(share)
    return np.concatenate(rows), np.concatenate(opens)


@pytest.fixture(scope="module")
def streamed(pipeline):
    return stream(pipeline, HELLO)


def test_lips_are_those_of_the_whole_file_in_time(pipeline, streamed):
    whole, share = pipeline.sample(HELLO)
    made = streamed[0][:, 30] * streamed[1]
    wanted = (whole[:, 30] * share)[: len(made)]
    fits = {lag: np.corrcoef(made[5 + lag : 90 + lag], wanted[5:90])[0, 1] for lag in range(-4, 5)}
    assert fits[0] > 0.75
    assert max(fits, key=fits.get) in (-1, 0, 1)


def test_windows_join_without_a_jump(pipeline, streamed):
    steps = np.abs(np.diff(streamed[0][:, coefficients.ANGLES], axis=0)).max(axis=1)
    joints = steps[3::4]
    inner = np.delete(steps, np.s_[3::4])
    assert joints.mean() < 2.5 * inner.mean()


def test_equal_seeds_give_equal_motion_and_others_another(pipeline, streamed):
    again, other = stream(pipeline, HELLO[: 24 * TICK]), stream(pipeline, HELLO[: 24 * TICK], seed=1)
    np.testing.assert_array_equal(again[0][:16], streamed[0][:16])
    assert np.abs(again[0][:, coefficients.ANGLES] - other[0][:, coefficients.ANGLES]).max() > 0.1


def test_silence_costs_nothing_and_keeps_lips_shut(pipeline):
    rows, share = stream(pipeline, np.zeros(40 * TICK, np.float32))
    assert not rows.any() and not share.any()
