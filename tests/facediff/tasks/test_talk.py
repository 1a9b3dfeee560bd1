"""How a talk is put together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.clip import SOUND_RATE
from facediff.errors import AudioError, ConfigError, InputError
from facediff.landmarks.tracker import track_still
from facediff.media import VideoWriter
from facediff.motion import coefficients
from tests.portraits import avatar

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"
WAVE = load_wave(HELLO)[8000:14400]


@pytest.mark.parametrize("kind", ["portrait", "video"])
def test_a_part_is_what_it_is_in_the_whole(kind, video) -> None:
    clip = (avatar("plain") if kind == "portrait" else video).talk(WAVE, seed=2, steps=1)
    whole = list(clip)
    assert len(whole) == 10
    for first, last in ((4, 8), (3, 7), (9, 10)):
        np.testing.assert_array_equal(list(clip.frames(first, last)), whole[first:last])


def test_a_clip_is_as_long_as_what_is_heard_and_has_its_sound() -> None:
    clip = avatar("plain").talk(WAVE, fps=30)
    assert len(clip) == 12 and clip.fps == 30
    assert len(clip.audio) / SOUND_RATE == pytest.approx(len(WAVE) / 16000, abs=0.01)


def test_the_preview_shows_the_mouth_at_its_widest() -> None:
    clip = avatar("plain").talk(WAVE, paint=False, still=True)
    gaps = [coefficients.lip_opening(track_still(frame).points)[0] for frame in (*clip, clip.preview())]
    assert gaps[-1] >= max(gaps[:-1]) - 1.0  # pixel


def test_still_holds_the_head_and_lips_do_not_stop() -> None:
    moving, held = (list(avatar("plain").talk(WAVE, paint=False, still=still)) for still in (False, True))
    hair = np.s_[20:60, 100:170]
    assert np.abs(moving[-1][hair].astype(int) - moving[0][hair]).max() > 8
    assert np.abs(held[-1][hair].astype(int) - held[0][hair]).max() <= 4
    assert max(np.abs(frame[110:180].astype(int) - held[0][110:180]).max() for frame in held) > 20


def test_more_than_one_channel_is_refused() -> None:
    with pytest.raises(InputError, match="mono"):
        avatar("plain").talk(np.zeros((2, 160), np.float32))


def test_the_sound_that_is_spoken_can_be_chosen(write_film, bursts, tmp_path) -> None:
    sounds = [
        {"samples": [one], "rate": 48000, "codec": "flac", "layout": "mono"} for one in (bursts[:48000], bursts[48000:])
    ]
    file = write_film(tmp_path / "two.mkv", sounds, seconds=0)
    usual, first, second = (avatar("plain").talk(file, track=track, paint=False) for track in (None, 1, 2))
    np.testing.assert_array_equal(usual.audio, first.audio)
    np.testing.assert_allclose(second.audio, bursts[48000:], atol=1e-3)
    lips = np.s_[140:180, 100:160]
    assert any((one[lips] != other[lips]).any() for one, other in zip(first, second, strict=True))
    with pytest.raises(AudioError, match=r"two\.mkv has 2 sound tracks; there is no track 3$"):
        avatar("plain").talk(file, track=3)
    with pytest.raises(ConfigError, match="track is one of a file's"):
        avatar("plain").talk(WAVE, track=1)


def test_whose_voice_tells_how_lips_are_held_can_be_chosen(write_film, remux, bursts, tmp_path) -> None:
    spoken = [bursts, load_wave(HELLO, sample_rate=48000)[:60000]]
    sounds = [{"samples": [one], "rate": 48000, "codec": "flac", "layout": "mono"} for one in spoken]
    with VideoWriter(tmp_path / "s.mkv", (256, 256), Fraction(25)) as writer:
        for frame in avatar("plain").talk(load_wave(HELLO)[:20000], paint=False, lips=1.5):
            writer.write(frame)
    heard = write_film(tmp_path / "a.mkv", sounds, seconds=0)
    me = Avatar.from_video(remux(tmp_path / "s.mkv", heard, tmp_path / "film.mkv"), device="cpu")
    usual, first, second = (list(me.talk(WAVE, source_track=k, paint=False)) for k in (None, 1, 2))
    np.testing.assert_array_equal(usual, first)
    assert (np.stack(second) != np.stack(first)).any()
    with pytest.raises(AudioError, match=r"film\.mkv has 2 sound tracks; there is no track 3$"):
        me.talk(WAVE, source_track=3)
    with pytest.raises(ConfigError, match="a portrait has no sound"):
        avatar("plain").talk(WAVE, source_track=1)


def test_a_video_takes_no_keyframes(video, tmp_path) -> None:
    (tmp_path / "a.json").write_text('[{"at": 0.1, "do": "nod"}]')
    with pytest.raises(ConfigError, match="keeps its own head motion and takes no keyframes"):
        video.talk(WAVE, keyframes=tmp_path / "a.json")


def test_a_video_is_dubbed_at_twice_its_rate(video):
    clip = video.talk(WAVE, paint=False, fps=50)
    usual = video.talk(WAVE, paint=False)
    assert clip.fps == 50 and abs(len(clip) - 2 * len(usual)) <= 1
    frames = list(clip)
    assert len(frames) == len(clip)
    steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames[:8], frames[1:9], strict=True)]
    assert min(steps) > 0, "no frame is shown twice"


def test_a_silent_speech_is_told(caplog) -> None:
    avatar("plain").talk(WAVE, paint=False)
    assert "silent" not in caplog.text
    avatar("plain").talk(np.full(1600, 1e-4, np.float32), paint=False)
    assert "the wave is silent, so nothing is said" in caplog.text
