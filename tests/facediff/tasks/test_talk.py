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
from facediff.errors import InputError
from facediff.landmarks.tracker import track_still
from facediff.media import VideoWriter
from facediff.motion import coefficients
from tests.portraits import avatar, plain

WAVE = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")[8000:14400]


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Avatar:
    path = tmp_path_factory.mktemp("video") / "me.mp4"
    with VideoWriter(path, (256, 256), Fraction(25)) as writer:
        for shift in range(5):
            writer.write(np.roll(plain(), shift, axis=1))
    return Avatar.from_video(path, device="cpu")


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
