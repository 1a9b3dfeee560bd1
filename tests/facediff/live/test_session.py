"""A live avatar, with its process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import time
from itertools import islice

import numpy as np
import psutil
import pytest

from facediff.errors import AudioError, ConfigError, InputError, LiveError, WeightsError
from facediff.live.session import LiveSession
from facediff.provenance.watermark import detect

RATE = 16000
SPEECH = (np.random.default_rng(0).normal(0, 0.1, RATE) * np.abs(np.sin(np.arange(RATE) / 1500))).astype(np.float32)


def read(session: LiveSession, count: int):
    return list(islice(session, count))


def children() -> set[int]:
    """Processes that render, as far as they live; Python's own, which watches over shared memory, is another."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "facediff.live." in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


@pytest.fixture(scope="module")
def patient(small_avatar):
    """A session that waits for each frame."""
    before = children()
    with small_avatar.live(realtime=False, paint=False) as session:
        yield session
    assert children() <= before


def test_the_first_frame_is_the_portrait_at_rest_and_marked(patient, close_up):
    first = patient.first_frame()
    assert first.shape == close_up.shape and first.dtype == np.uint8
    assert np.abs(first.astype(int) - close_up).mean() < 8
    assert patient.settings.size == (192, 192) and patient.settings.fps == 25


def test_an_interruption_before_any_sound_is_nothing(patient):
    patient.interrupt()
    frame = next(iter(patient))
    assert frame.sound is None and not frame.is_repeated


def test_sound_comes_back_with_its_frames_and_every_one_is_watermarked(patient):
    patient.push_audio((SPEECH * 32767).astype(np.int16).tobytes(), RATE, last_chunk=True)
    frames = read(patient, 40)
    sound = np.concatenate([frame.sound for frame in frames if frame.sound is not None])
    np.testing.assert_array_equal(sound[: len(SPEECH)], (SPEECH * 32767).astype(np.int16))
    assert sum(frame.end_of_speech for frame in frames) == 1
    steps = np.diff([frame.timestamp for frame in frames])
    np.testing.assert_allclose(steps, 0.04, atol=1e-9)
    assert not any(frame.is_repeated for frame in frames)
    assert detect(frame.picture for frame in frames).is_found


@pytest.mark.parametrize("packet", [np.array([np.nan, 0.0]), b"\0", np.zeros((3, 2)), np.zeros(4, np.int64)])
def test_bad_packets_are_refused_and_the_stream_goes_on(patient, packet):
    with pytest.raises(AudioError):
        patient.push_audio(packet, RATE)
    assert next(iter(patient)).picture.shape == (192, 192, 3)


def test_empty_packets_and_flushes_of_nothing_are_nothing(patient):
    patient.push_audio(b"", RATE)
    patient.push_audio(np.zeros(0, np.float32), RATE, last_chunk=True)
    patient.flush()
    assert not any(frame.end_of_speech or frame.sound is not None for frame in read(patient, 4))


def test_a_minute_at_once_is_taken_and_too_much_is_refused(patient):
    started = time.monotonic()
    patient.push_audio(np.zeros(60 * RATE, np.int16), RATE)
    assert time.monotonic() - started < 1.0 and patient.stats.queued_s > 59
    with pytest.raises(AudioError, match="wait to be spoken"):
        patient.push_audio(np.zeros(250 * RATE, np.int16), RATE)
    patient.interrupt()
    assert patient.stats.queued_s == 0 and not patient.is_speaking
    assert all(frame.sound is None for frame in read(patient, 6))


def test_a_mouth_closes_from_the_frame_that_an_interruption_names(patient, small_avatar):
    patient.push_audio(np.tile(SPEECH, 2), RATE, last_chunk=True)
    spoken = next(frame for frame in patient if frame.sound is not None)
    assert patient.interrupt() == spoken.index + 1  # nobody waits for the clock, so nothing else is on its way
    with small_avatar.live(paint=False) as session:
        session.first_frame()
        session.push_audio(np.tile(SPEECH, 3), RATE, last_chunk=True)
        spoken = next(frame for frame in session if frame.sound is not None)
        assert session.interrupt() == spoken.index + 3
        after = read(session, 30)
        assert [frame.index for frame in after] == list(range(spoken.index + 1, spoken.index + 31))
        assert all(frame.sound is None and not frame.end_of_speech for frame in after)
        assert not session.is_speaking


def test_a_webcam_frame_moves_the_portrait(patient, close_up):
    still = read(patient, 2)[-1].picture
    for shift in (0, 0, 0, 6, 12, 18, 22):
        patient.push_frame(
            np.ascontiguousarray(np.roll(np.pad(close_up, ((64, 64), (64, 64), (0, 0)), "edge"), shift, 1))
        )
        read(patient, 6)
    moved = next(iter(patient)).picture
    assert np.abs(moved.astype(int) - still).mean() > 2.0
    with pytest.raises(InputError, match="RGB"):
        patient.push_frame(np.zeros((4, 4), np.uint8))


def test_a_camera_that_is_on_before_the_models_are_loaded_ends_nothing(small_avatar, close_up):
    with small_avatar.live(realtime=False, paint=False) as session:
        session.push_frame(close_up)
        assert len(read(session, 2)) == 2


def test_the_record_says_how_the_stream_is_made(patient):
    record = json.loads(patient.record.to_json())
    assert record["task"] == "live" and record["is_watermarked"] and record["inputs"][0]["role"] == "source"


def test_an_event_loop_reads_frames_too(patient):
    async def take():
        found = []
        async for frame in patient.run():
            found.append(frame.index)
            if len(found) == 3:
                return found

    first, *rest = asyncio.run(take())
    assert rest == [first + 1, first + 2]


@pytest.mark.slow
def test_two_streams_keep_to_the_clock_and_to_themselves_and_one_that_is_killed_says_so(small_avatar):
    before = children()
    one, two = small_avatar.live(paint=False), small_avatar.live(paint=False, sample_rate=24000)
    try:
        one.first_frame(), two.first_frame()
        read(one, 1), read(two, 1)
        two.push_audio(SPEECH, RATE, last_chunk=True)
        started = time.monotonic()
        mine, other = read(one, 20), read(two, 20)
        assert 0.7 < time.monotonic() - started < 3.0
        assert all(frame.sound is None for frame in mine)
        assert sum(frame.sound is not None for frame in other) >= 10
        assert next(frame for frame in other if frame.sound is not None).sample_rate == 24000
        os.kill(one._process.pid, signal.SIGKILL)
        with pytest.raises(LiveError, match="ended unasked.*-9"):
            read(one, 100)
        assert list(one) == []
        with pytest.raises(LiveError):
            one.push_audio(SPEECH, RATE)
        assert len(read(two, 5)) == 5
    finally:
        one.shutdown()
        two.shutdown()
    two.shutdown()
    assert children() <= before
    assert list(two) == []
    with pytest.raises(LiveError, match="shut down"):
        two.push_audio(SPEECH, RATE)


@pytest.mark.slow
def test_what_cannot_be_loaded_is_told_to_who_waits(small_avatar, tmp_path):
    from dataclasses import replace

    from facediff.live.engine import Portrait
    from facediff.options.live import LiveOptions

    portrait = Portrait.of(small_avatar._source, None)
    record = replace(small_avatar._record("live", LiveOptions()))
    with LiveSession(portrait, record, str(tmp_path), "cpu", LiveOptions()) as session, pytest.raises(WeightsError):
        session.first_frame()


def test_a_session_that_nobody_holds_leaves_no_process(small_avatar):
    before = children()
    session = small_avatar.live(paint=False)
    assert children() - before
    del session
    gc.collect()
    assert children() <= before


def test_options_out_of_range_are_refused_before_a_process_starts(small_avatar):
    before = children()
    for wrong in ({"fps": 0}, {"size": 10}, {"sample_rate": 5}, {"steps": 0}, {"label_corner": "middle"}):
        with pytest.raises(ConfigError):
            small_avatar.live(**wrong)
    assert children() == before
