"""A clip ends where it is said, and its end shows what is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.clip import SOUND_RATE
from facediff.media import VideoReader, VideoWriter
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.rendering.source import Source
from facediff.tasks.lengths import fit_wave, measure_span
from facediff.types import FaceTrack
from tests.portraits import avatar, plain

FILM, RATE = 24, 25
WAVE = load_wave(Path(facediff.__file__).parent / "samples" / "hello.flac")[8000:]
SHORT, LONG = WAVE[:6400], WAVE[: 16000 * 32 // RATE]  # 10 and 32 frames
LENGTHS = [("mirror", 10, 32), ("cut", 10, 24), ("hold", 24, 32), ("play", 24, 32)]  # frames of clips of both


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A face that wanders, with a tone that is heard throughout."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    tone = (0.2 * np.sin(np.arange(SOUND_RATE * FILM // RATE) / 20)).astype(np.float32)
    with VideoWriter(path, (256, 256), Fraction(RATE), audio=tone, audio_rate=SOUND_RATE) as writer:
        for shift in range(FILM):
            writer.write(np.roll(plain(), shift, axis=1))
    return path


@pytest.fixture(scope="module")
def video(film) -> Avatar:
    return Avatar.from_video(film, device="cpu")


def act(frames: int) -> MotionTemplate:
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.BROWS] = 0.5
    return MotionTemplate(motion, np.ones(frames, bool), np.eye(3, dtype=np.float32), Fraction(RATE))


@pytest.mark.parametrize(("after", "short", "long"), LENGTHS)
def test_a_dub_is_as_long_as_is_said_and_so_is_its_sound(video, after, short, long) -> None:
    for wave, count in ((SHORT, short), (LONG, long)):
        clip = video.talk(wave, after=after, paint=False)
        assert len(clip) == count and len(list(clip.frames(count - 3, count + 9))) == 3
        assert len(clip.audio) == pytest.approx(count / RATE * SOUND_RATE, abs=SOUND_RATE / RATE)


def test_the_rest_of_a_film_is_played_as_it_is_with_its_own_sound(video, film) -> None:
    clip, own = video.talk(SHORT, after="play", steps=1), list(VideoReader(film))
    frames, spoken = list(clip), list(video.talk(SHORT, steps=1))
    for frame, wanted in zip(frames[16:], own[16:], strict=True):
        np.testing.assert_array_equal(frame, wanted)
    np.testing.assert_array_equal(clip.audio[: round(0.4 * SOUND_RATE)], spoken_sound(video))
    later = slice(round(0.45 * SOUND_RATE), len(clip.audio))
    np.testing.assert_array_equal(clip.audio[later], load_wave(film, sample_rate=SOUND_RATE)[later])
    assert any((one != other).any() for one, other in zip(frames[:8], own[:8], strict=True)), "it speaks"
    jumps = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames[9:17], own[9:17], strict=True)]
    assert jumps[-1] == 0 and max(jumps[5:]) <= max(jumps[:3]) + 0.5, "the mouth goes over into its own"
    for first, last in ((8, 20), (16, 24), (18, 30)):
        np.testing.assert_array_equal(list(clip.frames(first, last)), frames[first:last])
    assert len(spoken) == 10


def spoken_sound(video: Avatar) -> np.ndarray:
    return video.talk(SHORT, paint=False).audio


def test_a_face_is_at_rest_where_a_film_goes_on_in_silence(video) -> None:
    clip = video.talk(SHORT, after="hold", paint=False)
    assert not clip.audio[len(spoken_sound(video)) :].any()
    frames = list(clip)
    # The wanderer's own place is undone: what is left is the same face.
    tail = [np.roll(frame, -k, axis=1)[110:200, 90:170].astype(int) for k, frame in enumerate(frames)][18:]
    assert all(np.abs(one - other).mean() < 3 for one, other in zip(tail[1:], tail, strict=False))


def test_the_last_frame_is_held_or_the_film_starts_again(video, film) -> None:
    own, top = list(VideoReader(film)), np.s_[:40]  # above the face, where nothing bends
    shown = {
        after: [frame[top] for frame in video.talk(LONG, after=after, paint=False).frames(22, 28)]
        for after in ("mirror", "hold", "play")
    }
    for after, indices in {
        "mirror": [22, 23, 22, 21, 20, 19], "hold": [22, 23, 23, 23, 23, 23], "play": [22, 23, 0, 1, 2, 3],
    }.items():  # fmt: skip
        np.testing.assert_array_equal(shown[after], [own[k][top] for k in indices])


@pytest.mark.parametrize(("after", "short", "long"), LENGTHS)
def test_an_animated_film_is_as_long_as_is_said(video, film, after, short, long) -> None:
    for frames, count in ((10, short), (32, long)):
        clip = video.animate(act(frames), region="brows", after=after, paint=False)
        assert len(clip) == count and len(list(clip.frames(count - 3, count + 9))) == 3
    if after == "play":
        clip, own = video.animate(act(10), region="brows", after=after, paint=False), list(VideoReader(film))
        np.testing.assert_array_equal(list(clip.frames(15)), own[15:])
        assert (next(clip.frames(5)) != own[5]).any()


def test_what_happens_is_said_once_unless_it_was_chosen(video, caplog) -> None:
    video.talk(SHORT, paint=False)
    assert "film.mp4 is 0.6 s longer than the speech, so it is cut there; after=play shows" in caplog.text
    caplog.clear()
    video.animate(act(32), region="brows", paint=False)
    assert "film.mp4 is 0.3 s shorter than the driver, so it is played back and forth; after=hold" in caplog.text
    caplog.clear()
    for after in ("cut", "hold", "play"):
        video.talk(SHORT, after=after, paint=False)
    video.talk(WAVE[: 16000 * FILM // RATE], paint=False)
    avatar("plain").talk(SHORT, paint=False)
    assert not caplog.records


def test_a_portrait_lasts_as_long_as_is_asked() -> None:
    for after in ("mirror", "cut", "hold", "play"):
        assert len(avatar("plain").talk(SHORT, after=after, paint=False)) == 10
        track = FaceTrack(np.zeros((1, 478, 3), np.float32), np.full(1, 2, np.uint8), (256, 256), 0.0)
        span = measure_span(Source(plain(), track, "", after=after), 7, Fraction(25), "the speech")
        assert (span.asked, span.moved, span.total) == (7, 7, 7)


def test_a_wave_gets_what_it_lacks() -> None:
    wave, rest = np.ones(1000, np.float32), np.full(3000, 0.5, np.float32)
    assert len(fit_wave(wave, 400)) == 400
    longer = fit_wave(wave, 4000)
    assert len(longer) == 4000 and longer[:1000].all() and not longer[1000:].any()
    longer = fit_wave(wave, 4000, rest)
    assert longer[999] == 1 and longer[1000] == 0 and longer[1600] == 0.5 and not longer[3000:].any()
    assert (np.diff(longer[1000:1480]) > 0).all()
    assert fit_wave(wave, 2000, rest[:500])[1000:].any() == np.False_
