"""What lies before a face that moves is found, stays as it was, and is not seen where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff import Avatar
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, VideoWriter
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.rendering.overlays import Overlay, Overlays
from facediff.types import Frame

FRAMES, SIDE = 20, 256
CAPTION, MICROPHONE, HAND = np.s_[152:181, 36:220], np.s_[146:256, 112:156], np.s_[128:204, 92:156]
SPEECH = (0.2 * np.sin(np.arange(16000 * FRAMES // 25) / 12)).astype(np.float32)


def put_caption(frame: Frame) -> Frame:
    """White words on a dark bar below the lips."""
    cv2.rectangle(frame, (44, 158), (211, 175), (20, 20, 24), cv2.FILLED)
    return cv2.putText(frame, "LIVE NEWS TODAY", (50, 172), cv2.FONT_HERSHEY_SIMPLEX, 0.52, (250,) * 3, 1, cv2.LINE_AA)


def put_caption_and_walls(frame: Frame) -> Frame:
    """The same, and on both sides of the head a wall of tiles that stands, down to the caption's ends."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    walls = ((columns < 56) | (columns > 200)) & (rows > 76) & (rows < 170)
    frame[walls & ((rows // 7 + columns // 7) % 2 == 0)] = (190, 120, 90)
    frame[walls & ((rows // 7 + columns // 7) % 2 == 1)] = (70, 50, 40)
    return put_caption(frame)


def put_microphone(frame: Frame) -> Frame:
    """A ball with a grid on a stand, its top before the chin."""
    cv2.rectangle(frame, (128, 172), (140, 256), (30, 30, 34), cv2.FILLED)
    cv2.circle(frame, (134, 166), 14, (60, 60, 66), cv2.FILLED, cv2.LINE_AA)
    for k in range(-9, 10, 6):
        cv2.line(frame, (134 + k, 155), (134 + k, 177), (190, 190, 196), 1)
        cv2.line(frame, (123, 166 + k), (145, 166 + k), (190, 190, 196), 1)
    return frame


def put_hand(frame: Frame) -> Frame:
    """Four fingers before chin and lips, at rest."""
    for k in range(4):
        for colour, width in (((205, 160, 135), cv2.FILLED), ((150, 105, 85), 1)):
            cv2.ellipse(frame, (108 + 11 * k, 165), (6, 30), 5 * k - 8, 0, 360, colour, width, cv2.LINE_AA)
    return frame


def put_news(frame: Frame) -> Frame:
    """Words on a bar wholly below the chin, wider than the face."""
    cv2.rectangle(frame, (20, 192), (240, 214), (20, 20, 60), cv2.FILLED)
    return cv2.putText(frame, "BREAKING NEWS TODAY", (30, 209), cv2.FONT_HERSHEY_SIMPLEX, 0.52, (250,) * 3, 1)


def leave(frame: Frame) -> Frame:
    return frame


@cache
def film_of(put: Callable[[Frame], Frame], moves: bool = True) -> tuple[Frame, ...]:
    """A head that nods and sways, with something before it."""
    frames = []
    for k in range(FRAMES):
        x, y = (96 + 6 * np.sin(k / 2), 4 * np.cos(k / 3)) if moves else (96.0, 0.0)
        shift = np.array([[1, 0, -x], [0, 1, -y]])
        frames.append(put(cv2.warpAffine(astronaut(), shift, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)))
    return tuple(frames)


@cache
def points_in(put: Callable[[Frame], Frame], moves: bool = True) -> np.ndarray:
    return track_face(iter(film_of(put, moves)), 25.0).points


@cache
def found_in(put: Callable[[Frame], Frame], moves: bool = True) -> Overlay | None:
    frames = film_of(put, moves)
    return Overlays(lambda: iter(frames), track_face(iter(frames), 25.0)).find(FRAMES // 2)


@pytest.fixture(scope="module")
def avatar_of(tmp_path_factory) -> Callable[[Callable[[Frame], Frame]], Avatar]:
    @cache
    def make(put: Callable[[Frame], Frame]) -> Avatar:
        path = tmp_path_factory.mktemp("film") / "film.mp4"
        with VideoWriter(path, (SIDE, SIDE), Fraction(25)) as writer:
            for frame in film_of(put):
                writer.write(frame)
        return Avatar.from_video(path, device="cpu")

    return make


def read(avatar: Avatar) -> list[Frame]:
    return list(VideoReader(Path(str(avatar._source.content))))


@pytest.mark.parametrize(("put", "where"), [
    (put_caption, CAPTION), (put_caption_and_walls, CAPTION), (put_microphone, MICROPHONE), (put_hand, HAND),
])  # fmt: skip
def test_what_stands_still_before_a_moving_face_is_found(put, where) -> None:
    overlay, frame = found_in(put), film_of(put)[7]
    assert overlay is not None
    grey = np.full_like(frame, 128)
    kept = (overlay.restore(grey, frame, points_in(put)[7]) == frame).all(axis=2)
    drawn = (put(grey.copy()) != 128).any(axis=2)
    face = np.zeros_like(drawn)
    face[60:171, 85:180] = True
    assert kept[drawn & face].mean() > 0.9
    outside = np.ones_like(drawn)
    outside[where] = False
    assert (kept & outside & face).mean() < 0.02, "little of the face is taken for it"


@pytest.mark.parametrize(("put", "moves"), [(leave, True), (leave, False), (put_caption, False)])
def test_nothing_is_found_where_nothing_tells(put, moves) -> None:
    """A head without anything before it; and one that does not move, whose own edges stand as still as a caption's."""
    assert found_in(put, moves) is None


def test_what_is_behind_is_made_up_and_all_else_stays() -> None:
    overlay, frame = found_in(put_caption), film_of(put_caption)[3]
    removed = overlay.remove(frame, track_face(iter(film_of(put_caption)), 25.0).points[3])
    outside = np.ones((SIDE, SIDE), bool)
    outside[150:186] = False
    np.testing.assert_array_equal(removed[outside], frame[outside])
    chin = removed[160:173, 120:150]
    assert chin.mean() > 90 and chin.max() < 245, "skin, without letters"


def test_blocks_are_told_apart_and_read_once() -> None:
    frames = [*film_of(leave), *film_of(put_caption), *film_of(leave)]
    opened = []

    def open_film():
        opened.append(True)
        return iter(frames)

    overlays = Overlays(open_film, track_face(iter(film_of(leave) * 3), 10.0))
    assert [overlays.find(k) is not None for k in (45, 0, 20, 39, 19, 59)] == [False, False, True, True, False, False]
    assert len(opened) == 1


@pytest.mark.parametrize("moves", [True, False])
def test_words_below_a_chin_are_found_whether_the_head_moves_or_rests(moves) -> None:
    overlay, frame = found_in(put_news, moves), film_of(put_news, moves)[7]
    assert overlay is not None and not overlay.is_before
    kept = (overlay.restore(np.full_like(frame, 128), frame, points_in(put_news, moves)[7]) == frame).all(axis=2)
    assert kept[197:210, 32:225].mean() > 0.9
    assert kept[:180].mean() < 0.01, "nothing of the head"


def test_a_face_that_comes_down_lies_before_what_was_below_it() -> None:
    overlay, frame = found_in(put_news), film_of(put_news)[7]
    lower = points_in(put_news)[7] + [0, 40, 0]
    kept = (overlay.restore(np.full_like(frame, 128), frame, lower) == frame).all(axis=2)
    chin = np.s_[198:208, 120:145]
    assert kept[chin].mean() < 0.1 and kept[198:208, 32:70].mean() > 0.9


@pytest.mark.parametrize("change", ["head-left=0.8", "mouth-open=1"])
def test_an_edited_film_keeps_words_below_the_chin(avatar_of, change) -> None:
    clip, own = avatar_of(put_news).edit(attributes=change), read(avatar_of(put_news))
    for frame, wanted in zip(clip.frames(4, 8), own[4:8], strict=True):
        difference = np.abs(frame[197:210, 32:225].astype(int) - wanted[197:210, 32:225]).max(axis=2)
        assert (difference > 2).mean() < 0.02
        assert (frame[60:180] != wanted[60:180]).any()


def test_an_edit_of_looks_leaves_a_caption_as_it_was(avatar_of) -> None:
    clip, own = avatar_of(put_caption).edit(attributes="beard=1"), read(avatar_of(put_caption))
    letters = np.s_[162:172, 95:165]
    for frame, wanted in zip(clip.frames(4, 7), own[4:7], strict=True):
        np.testing.assert_array_equal(frame[letters], wanted[letters])
        assert (frame[140:156, 100:160] != wanted[140:156, 100:160]).any()


@pytest.mark.parametrize("paint", [True, False])
def test_a_dub_leaves_a_caption_as_it_was(avatar_of, paint, caplog) -> None:
    dubbed = avatar_of(put_caption).talk(SPEECH, lips=2.0, paint=paint)
    frames, own = list(dubbed), read(avatar_of(put_caption))
    letters = np.s_[162:172, 95:165]
    for frame, wanted in zip(frames, own, strict=True):
        np.testing.assert_array_equal(frame[letters], wanted[letters])
    assert any((frame[:155] != wanted[:155]).any() for frame, wanted in zip(frames, own, strict=True))
    np.testing.assert_array_equal(list(dubbed.frames(8, 12)), frames[8:12])


def test_an_animated_film_keeps_a_microphone(avatar_of) -> None:
    motion = np.zeros((FRAMES, coefficients.DIMENSIONS), np.float32)
    b = coefficients.basis()
    motion[:, coefficients.LIPS] = 0.15 * (b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1)))
    act = MotionTemplate(motion, np.ones(FRAMES, bool), np.eye(3, dtype=np.float32), Fraction(25))
    clip, own = avatar_of(put_microphone).animate(act, region="lips"), read(avatar_of(put_microphone))
    for frame, wanted in zip(clip.frames(0, 8), own, strict=False):
        np.testing.assert_array_equal(frame[160:172, 128:140], wanted[160:172, 128:140])
        assert (frame != wanted).any()
