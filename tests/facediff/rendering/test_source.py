"""A portrait and a video, read in the same ways."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.audio.windows import exact_rate
from facediff.landmarks.tracker import track_still
from facediff.media import VideoReader, VideoWriter
from facediff.media.notices import warn_once
from facediff.rendering.source import Source
from facediff.types import FaceTrack, Presence

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def source(content: np.ndarray | Path, frames: int, fps: float) -> Source:
    points, presence = np.zeros((frames, 478, 3), np.float32), np.full(frames, Presence.FOUND, np.uint8)
    track = FaceTrack(points, presence, (64, 48), fps)
    return Source(content, track, "0")


@pytest.fixture
def film(tmp_path) -> Path:
    """Four shades of grey at 24 frames a second, silent."""
    with VideoWriter(tmp_path / "film.mp4", (64, 48), Fraction(24)) as writer:
        for shade in range(4):
            writer.write(np.full_like(PICTURE, 40 * shade))
    return tmp_path / "film.mp4"


def test_a_portrait_has_one_frame_and_is_held() -> None:
    portrait = source(PICTURE, 1, 0.0)
    assert portrait.is_still and portrait.is_tagged and portrait.sound(48000) is None
    assert len(list(portrait.frames())) == 1 and not list(portrait.frames(1))
    assert [(k, frame is PICTURE) for k, frame in portrait.played(slice(5, 8))] == [(0, True)] * 3
    assert portrait.at(12) is portrait and portrait.rate() == 25 and portrait.rate(29.97) == Fraction(30000, 1001)


def test_a_video_is_played_back_and_forth_at_its_own_rate(film) -> None:
    video, own = source(film, 4, 24.0), list(VideoReader(film))
    assert not video.is_still and video.sound(48000) is None
    np.testing.assert_array_equal(video.frame(2), own[2])
    assert [k for k, _ in video.enumerate_frames(slice(2, 9))] == [2, 3]
    played = list(video.played(slice(2, 9)))
    assert [k for k, _ in played] == [2, 3, 2, 1, 0, 1, 2]
    for k, frame in played:
        np.testing.assert_array_equal(frame, own[k])
    assert video.rate() == video.rate(24.0) == 24
    assert video.at(24.0) is video


@pytest.mark.parametrize("fps", [12, 24000 / 1001, 25, 26])
def test_a_video_is_seen_at_another_rate(film, fps) -> None:
    """Its frames stand where the reader puts them at that rate, and its track with them."""
    video = source(film, 4, 24.0)
    video.track.points[:] = np.arange(4)[:, None, None]
    other = video.at(fps)
    assert other.rate() == exact_rate(fps) and other.track.fps == pytest.approx(fps, abs=1e-3)
    expected = list(VideoReader(film, fps=exact_rate(fps)))
    assert len(other.track) == len(list(other.frames())) == len(expected)
    own = list(VideoReader(film))
    for k, frame in other.enumerate_frames(slice(0, len(expected))):
        np.testing.assert_array_equal(frame, expected[k])
        np.testing.assert_array_equal(frame, own[int(other.track.points[k, 0, 0])])
    np.testing.assert_array_equal(other.frame(1), expected[1])
    there_and_back = [*range(len(expected)), *range(len(expected) - 2, 0, -1), 0]
    assert [k for k, _ in other.played(slice(0, len(there_and_back)))] == there_and_back


def test_few_frames_a_second_are_told_where_lips_are_to_speak(tmp_path, caplog) -> None:
    with VideoWriter(tmp_path / "slow.mp4", (64, 48), Fraction(15)) as writer:
        for _ in range(3):
            writer.write(PICTURE)
    slow = source(tmp_path / "slow.mp4", 3, 15.0)
    slow.track.points[:] = np.random.default_rng(0).uniform(0, 40, (478, 3))
    assert slow.at(30).rate() == 30 and slow.rate() == 15 and not caplog.text
    assert slow.at(None) is slow
    assert "slow.mp4 has 15 frames a second, so lips will jerk; fps=30 shows frames between" in caplog.text


def test_no_more_frames_than_were_looked_at(film) -> None:
    """A track that is shorter than its video bounds what is read."""
    video = source(film, 3, 24.0)
    assert len(list(video.frames())) == 3
    assert [k for k, _ in video.played(slice(0, 6))] == [0, 1, 2, 1, 0, 1]


def test_a_face_cut_off_at_the_edge_is_told_and_one_near_it_is_not(caplog) -> None:
    warn_once.cache_clear()
    for left, is_told in ((150, False), (215, True)):
        picture = np.ascontiguousarray(astronaut()[20:300, left:400])
        Source(picture, track_still(picture), "")
        assert ("a part of the face lies beyond the edge" in caplog.text) == is_told


def test_some_frames_are_picked_in_one_pass(film) -> None:
    video = source(film, 5, 24.0)
    whole = list(video.frames())
    for one, index in zip(video.pick(np.array([1, 3])), (1, 3), strict=True):
        np.testing.assert_array_equal(one, whole[index])
    assert list(video.pick(np.zeros(0, int))) == []


@pytest.mark.parametrize("fps", [48, 60])
def test_above_its_rate_there_are_frames_between_its_own(film, fps) -> None:
    video = source(film, 4, 24.0)
    face = np.random.default_rng(0).uniform(0, 40, (478, 3))
    video.track.points[:] = face + np.arange(4)[:, None, None]
    other, own = video.at(fps), list(VideoReader(film))
    assert other.rate() == fps and other.sha256 != video.sha256
    made = list(other.frames())
    assert len(made) == len(other.track) == 4 * fps / 24
    places = np.minimum(np.arange(len(made)) * 24 / fps, 3)
    np.testing.assert_allclose(other.track.points[:, 0, 0] - face[0, 0], places, atol=1e-4)
    for frame, place in zip(made, places, strict=True):
        if place == int(place):
            np.testing.assert_array_equal(frame, own[int(place)])
    for start in (1, 3, 6):
        np.testing.assert_array_equal(next(other.frames(start)), made[start])
    back = list(other.played(slice(0, 2 * len(made))))
    last = len(made) - 1
    for position, (index, frame) in enumerate(back[: 2 * last]):
        assert index == other.index_at(position)
        np.testing.assert_array_equal(frame, made[index])
