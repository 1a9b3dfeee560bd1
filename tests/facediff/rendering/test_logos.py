"""Logos, names and marks beside a moving head, or over its edge, are found, kept, and not seen where there are none."""

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
from facediff.rendering.logos import Logo, Surroundings, find_logos
from facediff.rendering.overlays import Overlays
from facediff.types import FaceTrack, Frame

FRAMES, SIDE = 32, 256
Put = Callable[[Frame, int], Frame]


def blend(frame: Frame, drawn: Frame, share: float) -> Frame:
    return np.rint((1 - share) * frame + share * drawn).astype(np.uint8)


def put_logo(frame: Frame, k: int, share: float = 1.0, at: tuple[int, int] = (218, 70)) -> Frame:
    """A disc with letters."""
    drawn = cv2.circle(frame.copy(), at, 20, (20, 40, 160), cv2.FILLED, cv2.LINE_AA)
    cv2.putText(drawn, "TV5", (at[0] - 16, at[1] + 6), cv2.FONT_HERSHEY_DUPLEX, 0.5, (255,) * 3, 1, cv2.LINE_AA)
    return blend(frame, drawn, share)


def put_blinking(frame: Frame, k: int) -> Frame:
    return put_logo(frame, k, float(k % 20 < 12))


def put_over_the_edge(frame: Frame, k: int) -> Frame:
    return put_logo(frame, k, at=(182, 105))


def put_mark(frame: Frame, k: int) -> Frame:
    """Half transparent words across the hair."""
    drawn = cv2.putText(frame.copy(), "MADE HERE", (80, 45), cv2.FONT_HERSHEY_DUPLEX, 0.6, (255,) * 3, 2, cv2.LINE_AA)
    return blend(frame, drawn, 0.6)


def leave(frame: Frame, k: int) -> Frame:
    return frame


@cache
def film_of(put: Put, moves: bool = True) -> tuple[Frame, ...]:
    """A head that nods and sways before a wall that moves with it a little, with something drawn over."""
    frames = []
    for k in range(FRAMES):
        x, y = (96 + 6 * np.sin(k / 2), 4 * np.cos(k / 3)) if moves else (96.0, 0.0)
        shift = np.array([[1, 0, -x], [0, 1, -y]])
        frames.append(put(cv2.warpAffine(astronaut(), shift, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), k))
    return tuple(frames)


@cache
def track_of(moves: bool = True) -> FaceTrack:
    return track_face(iter(film_of(leave, moves)), 25.0)


@cache
def found_in(put: Put, moves: bool = True) -> tuple[tuple[Logo, ...], Surroundings]:
    around = Surroundings(track_of(moves).points, (SIDE, SIDE))
    return tuple(find_logos(np.stack([around(frame) for frame in film_of(put, moves)]), around)), around


def where(put: Put) -> np.ndarray:
    """What is drawn (H, W)."""
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    return (put(grey.copy(), 0) != grey).any(axis=2)


@pytest.mark.parametrize("put", [put_logo, put_blinking, put_over_the_edge, put_mark])
def test_what_is_drawn_beside_a_moving_head_is_found(put) -> None:
    logos, around = found_in(put)
    found = sum(around.enlarge(logo.things, (SIDE, SIDE)) for logo in logos) > 0
    assert found[where(put)].mean() > 0.85
    near = cv2.dilate(where(put).astype(np.uint8), np.ones((45, 45))) > 0
    assert not (found & ~near).any(), "and nothing else"


@pytest.mark.parametrize("moves", [True, False])
def test_nothing_is_found_where_nothing_is_drawn(moves) -> None:
    assert found_in(leave, moves)[0] == ()


def test_what_reaches_over_the_face_lies_before_it_and_what_does_not_beside() -> None:
    assert [logo.is_before for logo in found_in(put_over_the_edge)[0]] == [True]
    assert [logo.is_before for logo in found_in(put_logo)[0]] == [False]


def test_a_moment_without_it_is_told() -> None:
    (logo,), around = found_in(put_blinking)
    assert logo.is_fleeting
    assert [logo.is_shown(around(frame)) for frame in film_of(put_blinking)] == [k % 20 < 12 for k in range(FRAMES)]
    assert not found_in(put_logo)[0][0].is_fleeting


def test_too_few_frames_tell_nothing() -> None:
    around = Surroundings(track_of().points[:7], (SIDE, SIDE))
    assert not list(find_logos(np.stack([around(frame) for frame in film_of(put_logo)[:7]]), around))


def test_a_film_that_breaks_off_is_judged_as_far_as_it_goes() -> None:
    frames = film_of(put_logo)[:20]
    assert Overlays(lambda: iter(frames), track_of()).find(3) is not None


def test_it_is_laid_over_where_it_is_shown_alone() -> None:
    frames = film_of(put_blinking)
    overlay = Overlays(lambda: iter(frames), track_of()).find(3)
    assert overlay is not None and overlay.place == "beside"
    logo, grey = cv2.erode(where(put_blinking).astype(np.uint8), np.ones((5, 5))) > 0, np.full_like(frames[0], 128)
    for k, is_kept in ((3, True), (15, False)):
        kept = (overlay.restore(grey, frames[k], track_of().points[k]) == frames[k]).all(axis=2)
        assert (kept[logo].mean() > 0.9) == is_kept


@pytest.mark.parametrize("put", [put_logo, put_over_the_edge])
def test_a_film_whose_head_is_turned_keeps_it(tmp_path, put, caplog) -> None:
    with VideoWriter(tmp_path / "film.mp4", (SIDE, SIDE), Fraction(25)) as writer:
        for frame in film_of(put):
            writer.write(frame)
    clip = Avatar.from_video(tmp_path / "film.mp4", device="cpu").edit(attributes="head-left=0.8")
    own = list(VideoReader(Path(tmp_path / "film.mp4")))
    letters = cv2.erode(where(put).astype(np.uint8), np.ones((5, 5))) > 0
    for frame, wanted in zip(clip.frames(4, 8), own[4:8], strict=True):
        difference = np.abs(frame.astype(int) - wanted).max(axis=2)
        assert (difference[letters] > 2).mean() < 0.1
        assert (difference[60:170, 90:170] > 2).mean() > 0.3, "the head turns"
    assert f"something lies {'before' if put is put_over_the_edge else 'beside'} the face" in caplog.text
