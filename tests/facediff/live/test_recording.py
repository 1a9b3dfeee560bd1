"""Live frames as clips."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.clip import SOUND_RATE
from facediff.errors import ConfigError, InputError
from facediff.live.recording import plan_speech
from facediff.provenance import read_record
from facediff.provenance.watermark import detect

HELLO = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")[16000:25600]


@pytest.fixture(scope="module")
def streamed(small_avatar):
    clip = small_avatar.stream(HELLO)
    return clip, list(clip)


def test_a_stream_has_all_of_the_sound_where_it_is_shown(streamed):
    clip, frames = streamed
    assert len(frames) == len(clip) and clip.fps == 25 and clip.size == (192, 192)
    assert abs(len(clip.audio) - len(clip) * SOUND_RATE // 25) <= 1
    begin = int(np.flatnonzero(np.abs(clip.audio) > 0)[0])
    assert begin < SOUND_RATE // 10
    wanted = np.interp(np.arange(0, len(HELLO), 1 / 3), np.arange(len(HELLO)), HELLO)
    got = clip.audio[: len(wanted)]
    assert np.corrcoef(got[:20000], wanted[:20000])[0, 1] > 0.99


def test_frames_of_a_part_are_those_of_the_whole(streamed):
    clip, frames = streamed
    for one, other in zip(clip.frames(9, 12), frames[9:12], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_mouth_moves_while_it_speaks_and_rests_after(small_avatar):
    frames = list(small_avatar.stream(HELLO, head=0.0))  # a head goes back to rest for longer than a mouth
    change = [
        np.abs(a[110:170, 50:140].astype(int) - b[110:170, 50:140]).mean()
        for a, b in zip(frames, frames[1:], strict=False)
    ]
    assert np.mean(change[2:15]) > 3 * np.mean(change[-5:]), change


def test_a_stream_that_is_saved_is_marked_and_has_its_record(small_avatar, tmp_path):
    clip = small_avatar.stream(HELLO[:3200], paint=False)
    path = clip.save(tmp_path / "live.mp4")
    record = read_record(path)
    assert record.task == "live" and record.is_watermarked
    assert [one.role for one in record.inputs] == ["source", "speech"]


def test_plans_come_as_in_a_session_one_after_the_other():
    wave = np.repeat(HELLO, 3)
    plans = plan_speech(wave, SOUND_RATE, Fraction(25))
    assert [plan.index for plan in plans] == list(range(len(plans)))
    assert sum(plan.end_of_speech for plan in plans) == 1
    speaking = [plan for plan in plans if plan.sound is not None]
    assert speaking[-1].index - speaking[0].index == len(speaking) - 1
    assert all(len(plan.ahead) <= 3200 for plan in plans)


def test_an_idle_loop_goes_on_where_it_began(small_avatar):
    clip = small_avatar.idle(seconds=2.0, loop=True, paint=False)
    frames = [frame.astype(int) for frame in clip]
    assert len(frames) == 50 and clip.audio is None
    assert np.abs(frames[0] - frames[25]).mean() > 0
    steps = [np.abs(a - b).mean() for a, b in zip(frames, frames[1:], strict=False)]
    assert np.abs(frames[-1] - frames[0]).mean() <= max(steps)


def test_keyframes_turn_the_head_of_somebody_who_idles(small_avatar, tmp_path):
    wishes = tmp_path / "wishes.csv"
    wishes.write_text("at,yaw\n0.4,20\n")
    turned, plain = (
        list(small_avatar.idle(seconds=0.8, paint=False, size=96, **options).frames(10, 11))[0].astype(int)
        for options in ({"keyframes": wishes}, {})
    )
    assert np.abs(turned - plain).mean() > 3
    with pytest.raises(ConfigError, match="a loop has none"):
        small_avatar.idle(seconds=2.0, loop=True, keyframes=wishes)
    with pytest.raises(InputError, match="there are no keyframes"):
        small_avatar.idle(keyframes=tmp_path / "none.json")


def test_what_idles_in_a_clip_is_marked_where_it_is_saved(small_avatar, tmp_path):
    clip = small_avatar.idle(seconds=0.4, paint=False, size=96)
    assert clip.size == (96, 96)
    assert read_record(clip.save(tmp_path / "idle.mp4")).task == "idle"
    assert not detect(iter(clip)).is_found


def test_what_cannot_be_live_is_refused(small_avatar, tmp_path, footage):
    with pytest.raises(ConfigError, match="portrait"):
        Avatar.from_video(footage / "talk.mp4", device="cpu").idle()
    with pytest.raises(ConfigError, match="2 seconds"):
        small_avatar.idle(seconds=1.0, loop=True)
    with pytest.raises(ConfigError, match="where it is saved"):
        small_avatar.stream(HELLO, label="AI")
    with pytest.raises(InputError, match="mono"):
        small_avatar.stream(np.zeros((2, 100), np.float32))
