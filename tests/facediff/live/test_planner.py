"""What each frame of a stream says."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import AudioError
from facediff.live.planner import LOOK_AHEAD_S, MAX_QUEUED_S, Planner

RATE = 24000
NOISE = np.random.default_rng(0).integers(-9000, 9000, RATE * 2).astype(np.int16)


def plan_until(planner, count):
    return [planner.plan() for _ in range(count)]


def sound_of(plans):
    return np.concatenate([plan.sound for plan in plans if plan.sound is not None])


def test_sound_goes_out_sample_for_sample_and_is_marked_at_its_end():
    planner = Planner(25)
    planner.push(NOISE, RATE, last_chunk=True)
    plans = plan_until(planner, 60)
    spoken = [plan for plan in plans if plan.sound is not None]
    np.testing.assert_array_equal(sound_of(plans), NOISE)
    assert [plan.index for plan in plans if plan.end_of_speech] == [spoken[-1].index]
    assert all(len(plan.sound) == RATE // 25 and len(plan.said) == 640 for plan in spoken)


@pytest.mark.parametrize("fps", [12.5, 24, 29.97, 30, 60])
def test_no_sample_is_lost_at_other_rates(fps):
    planner = Planner(fps)
    planner.push(NOISE, RATE, last_chunk=True)
    out = sound_of(plan_until(planner, round(2.5 * fps)))
    np.testing.assert_array_equal(out[: len(NOISE)], NOISE)
    assert not out[len(NOISE) :].any()


def test_a_speech_waits_for_its_look_ahead_and_no_longer():
    planner = Planner(25)
    packet = RATE // 50
    for k in range(round(LOOK_AHEAD_S * 50)):
        assert planner.plan().sound is None, k
        planner.push(NOISE[k * packet : (k + 1) * packet], RATE)
    assert planner.plan().sound is None  # a millisecond is still in the filter
    planner.push(NOISE[:packet], RATE)
    first = planner.plan()
    assert first.sound is not None and first.waiting_since is not None
    assert len(first.said) + len(first.ahead) >= round(0.9 * LOOK_AHEAD_S * 16000)


def test_a_flush_waits_for_nothing():
    planner = Planner(25)
    planner.push(NOISE[:500], RATE)
    assert planner.plan().sound is None
    planner.flush()
    plan = planner.plan()
    assert plan.end_of_speech
    np.testing.assert_array_equal(plan.sound[:500], NOISE[:500])
    assert not plan.sound[500:].any()


def test_sound_that_does_not_come_is_silence_and_counted_and_goes_on():
    planner = Planner(25)
    planner.push(NOISE[: RATE // 2], RATE)
    plans = plan_until(planner, 14)
    assert planner.starved
    planner.push(NOISE[RATE // 2 :], RATE, last_chunk=True)
    plans += plan_until(planner, 60)
    silent = [plan.index for plan in plans[:50] if plan.sound is None]
    assert 1 <= len(silent) <= 4
    np.testing.assert_array_equal(sound_of(plans)[: len(NOISE)], NOISE)


def test_what_nobody_ends_is_played_after_a_while():
    planner = Planner(25)
    planner.push(NOISE[:400], RATE)
    out = sound_of(plan_until(planner, 20))
    np.testing.assert_array_equal(out[:400], NOISE[:400])


def test_an_interruption_forgets_what_waits_and_makes_planned_frames_void():
    planner = Planner(25)
    planner.push(NOISE, RATE)
    plan_until(planner, 10)
    planner.interrupt(6)
    again = plan_until(planner, 5)
    assert [plan.index for plan in again] == [6, 7, 8, 9, 10]
    assert [plan.is_cut for plan in again] == [True, False, False, False, False]
    assert all(plan.sound is None and not plan.said.any() for plan in again)
    assert planner.queued_s == 0
    planner.push(NOISE, RATE, last_chunk=True)
    np.testing.assert_array_equal(sound_of(plan_until(planner, 60)), NOISE)


def test_an_interruption_before_any_sound_is_nothing():
    planner = Planner(25)
    planner.interrupt(0)
    plan = planner.plan()
    assert plan.sound is None and not plan.is_cut


def test_speeches_follow_one_another_each_with_its_end():
    planner = Planner(25)
    for _ in range(3):
        planner.push(NOISE[:12000], RATE, last_chunk=True)
    plans = plan_until(planner, 45)
    assert sum(plan.end_of_speech for plan in plans) == 3
    assert sum(plan.waiting_since is not None for plan in plans) == 3


def test_a_rate_that_changes_in_mid_stream_is_brought_to_the_first_ones():
    planner = Planner(25)
    time = np.arange(RATE) / RATE
    planner.push((0.4 * np.sin(2 * np.pi * 200 * time)).astype(np.float32), RATE)
    other = np.arange(44100) / 44100
    planner.push((0.4 * np.sin(2 * np.pi * 200 * other)).astype(np.float32), 44100, last_chunk=True)
    plans = plan_until(planner, 60)
    out = sound_of(plans)
    assert planner.sample_rate == RATE and abs(len(out) - 2 * RATE) <= RATE // 25
    wanted = 0.4 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE) * 32768
    assert np.abs(out[200 : 2 * RATE - 200] - wanted[200:-200]).max() < 700
    said = np.concatenate([plan.said for plan in plans])
    assert np.abs(said[:32000]).max() > 0.35 and not said[34000:].any()


def test_too_much_at_once_is_refused_whole_and_what_waits_stays():
    planner = Planner(25)
    planner.push(np.zeros(int(RATE * (MAX_QUEUED_S - 1)), np.int16), RATE)
    before = planner.queued_s
    with pytest.raises(AudioError, match="no faster"):
        planner.push(NOISE, RATE)
    assert planner.queued_s == before


def test_a_packet_that_is_refused_leaves_no_trace():
    planner = Planner(25)
    with pytest.raises(AudioError):
        planner.push(np.array([0.1, np.nan]), RATE)
    assert planner.queued_s == 0 and planner.sample_rate is None
