"""What a face does in each frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff.audio.wave import load_wave
from facediff.live.performer import Performed, Performer
from facediff.live.planner import Planner
from facediff.motion import coefficients
from facediff.motion.idle import IdleMotion
from facediff.pipelines.loading import load_talk

HELLO = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")
OPENING = coefficients.OPENING.start


@pytest.fixture(scope="module")
def pipeline():
    return load_talk(device="cpu")[0]


def perform(performer, planner, count, chunk=4):
    rows = []
    for _ in range(0, count, chunk):
        rows.append(performer.perform([planner.plan() for _ in range(chunk)]).rows)
    return np.concatenate(rows)


def make(pipeline, fps=25):
    return Performer(pipeline, pipeline.encoder, fps=Fraction(fps)), Planner(fps)


def test_it_idles_where_nothing_is_said(pipeline):
    performer, planner = make(pipeline)
    rows = perform(performer, planner, 80)
    np.testing.assert_allclose(rows, IdleMotion().rows(0, 80), atol=1e-6)


def test_it_speaks_and_shuts_its_mouth_and_nothing_jumps(pipeline):
    performer, planner = make(pipeline)
    quiet = perform(performer, planner, 20)
    planner.push(HELLO[16000 : 16000 + 32000], 16000, last_chunk=True)
    rows = np.concatenate([quiet, perform(performer, planner, 100)])
    assert not quiet[:, OPENING].any()
    assert rows[20:70, OPENING].max() > 0.05
    assert not rows[76:, OPENING].any()  # 50 frames of speech, then 0.2 s
    assert np.abs(np.diff(rows[:, coefficients.ANGLES], axis=0)).max() < 2.0
    assert np.abs(np.diff(rows[:, coefficients.SHIFT], axis=0)).max() < 0.03


def test_an_interruption_goes_on_from_what_was_shown_and_closes_the_mouth(pipeline):
    performer, planner = make(pipeline)
    planner.push(HELLO[16000:80000], 16000)
    before = perform(performer, planner, 32)
    cut = 20 + int(np.argmax(before[20:28, OPENING]))
    planner.interrupt(cut + 1)
    after = perform(performer, planner, 12)
    assert before[cut, OPENING] > 0.03
    assert abs(after[0, OPENING] - before[cut, OPENING]) < 0.4 * before[cut, OPENING]
    assert after[2, OPENING] < 0.8 * before[cut, OPENING]
    assert np.abs(after[5:, OPENING]).max() < 1e-3


def test_it_follows_somebody_and_lets_go(pipeline):
    performer, planner = make(pipeline)
    perform(performer, planner, 8)
    wanted = np.zeros(31, np.float32)
    wanted[coefficients.ANGLES.start + 1] = 12.0
    rows = []
    for _ in range(20):
        performer.follow(wanted)
        rows.append(performer.perform([planner.plan()]).rows[0])
    turned = np.array(rows)[:, coefficients.ANGLES.start + 1]
    assert abs(turned[-1] - 12) < 0.5 and np.abs(np.diff(turned)).max() < 3
    gone = perform(performer, planner, 40)
    np.testing.assert_allclose(gone[-1], IdleMotion().rows(8 + 20 + 39, 1)[0], atol=1e-4)


def test_frames_that_come_two_by_two_move_as_those_that_come_alone(pipeline):
    rows = []
    for chunk in (1, 2):
        performer, planner = make(pipeline)
        planner.push(HELLO[16000:48000], 16000, last_chunk=True)
        rows.append(perform(performer, planner, 50, chunk=chunk)[:, OPENING])
    assert np.corrcoef(*rows)[0, 1] > 0.95  # every other one hears more of the future


def test_some_of_what_was_performed_is_taken_and_put_together(pipeline):
    performer, planner = make(pipeline)
    one, other = (performer.perform([planner.plan(), planner.plan()]) for _ in range(2))
    whole = Performed.join([one, other])
    some = whole.take([1, 2])
    np.testing.assert_array_equal(some.rows, np.stack([one.rows[1], other.rows[0]]))
    assert some.windows.shape == (2, 32, 80) and some.opening.shape == (2,)


def test_another_rate_shows_the_same_at_the_same_time(pipeline):
    slow, fast = make(pipeline), make(pipeline, 50)
    for _, planner in (slow, fast):
        planner.push(HELLO[16000:48000], 16000, last_chunk=True)
    one, two = perform(*slow, 40), perform(*fast, 80)
    fit = np.corrcoef(one[:, OPENING], two[::2, OPENING])[0, 1]
    assert fit > 0.6  # windows begin elsewhere, and a closing that is found in one need not be in the other


def test_windows_for_what_paints_lie_about_the_frame(pipeline):
    performer, planner = make(pipeline)
    click = np.zeros(16000, np.float32)
    click[20 * 640 : 20 * 640 + 30] = 0.9
    planner.push(click, 16000, last_chunk=True)
    windows = np.concatenate([performer.perform([planner.plan() for _ in range(4)]).windows for _ in range(6)])
    assert windows.shape == (24, 32, 80)
    assert abs(int(windows[20].max(axis=1).argmax()) - 16) <= 1
    assert abs(int(windows[23].max(axis=1).argmax()) - 4) <= 1


def test_ten_minutes_of_noise_neither_grow_nor_drift(pipeline):
    performer, planner = make(pipeline)
    perform(performer, planner, 25 * 120, chunk=100)
    assert len(performer._shown) <= 300 and len(performer._spoken) <= 300
