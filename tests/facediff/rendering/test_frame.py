"""Frames that are painted in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.rendering.frame import (
    WarpedFace,
    WarpedFrame,
    add_matte,
    keep_mattes,
    paint_in_chunks,
    split_matte,
)
from facediff.types import RigidPose

POSE = RigidPose(np.eye(3, dtype=np.float32)[None], np.ones(1, np.float32), np.zeros((1, 3), np.float32))
FACE = WarpedFace(np.zeros((478, 3), np.float32), POSE)


def frame(k: int) -> WarpedFrame:
    """A frame of a colour; every third one shows no face."""
    return WarpedFrame(np.full((2, 2, 3), k, np.uint8), FACE if k % 3 else None)


def colour(picture: np.ndarray) -> int:
    return int(picture[0, 0, 0])


@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_painted_frames_come_in_order_and_faceless_ones_pass_untouched(size) -> None:
    chunks: list[list[int]] = []

    def paint(waiting: list[WarpedFrame]):
        chunks.append([colour(one.picture) for one in waiting])
        return (one.picture + 100 for one in waiting)

    made = [colour(picture) for picture in paint_in_chunks(map(frame, range(10)), size, paint)]
    assert made == [100 + k if k % 3 else k for k in range(10)]
    assert all(0 < len(chunk) <= size for chunk in chunks)
    assert [k for chunk in chunks for k in chunk] == [k for k in range(10) if k % 3]


def test_the_first_frames_do_not_wait_for_a_whole_chunk_and_nothing_is_taken_before_it_is_asked_for() -> None:
    taken = []

    def frames():
        for k in range(9):
            taken.append(k)
            yield frame(k)

    made = paint_in_chunks(frames(), 4, lambda waiting: [one.picture for one in waiting])
    assert not taken
    next(made)
    assert taken == [0, 1]
    next(made), next(made)
    assert taken == [0, 1, 2, 3, 4, 5]


def test_without_an_inpainter_a_mouth_is_left_as_it_was_painted() -> None:
    picture = frame(1).picture
    assert FACE.inpaint_mouth(picture) is picture


def test_mattes_come_out_with_their_frames_however_far_ahead_these_are_read() -> None:
    frames = [WarpedFrame(np.full((2, 2, 3), k, np.uint8), matte=np.full((2, 2), 100 + k, np.uint8)) for k in range(9)]
    made = keep_mattes(frames, lambda read: paint_in_chunks(read, 4, lambda waiting: []))
    assert [(int(one[0, 0, 0]), int(one[0, 0, 3])) for one in made] == [(k, 100 + k) for k in range(9)]


def test_without_a_matte_a_frame_is_as_it_was_finished() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    (made,) = keep_mattes([WarpedFrame(picture)], lambda read: (one.picture for one in read))
    assert made is picture and add_matte(picture, None) is picture and split_matte(picture) == (picture, None)


def test_a_matte_is_a_fourth_channel_and_back() -> None:
    picture, matte = np.zeros((2, 3, 3), np.uint8), np.full((2, 3), 9, np.uint8)
    again, kept = split_matte(add_matte(picture, matte))
    np.testing.assert_array_equal(again, picture)
    np.testing.assert_array_equal(kept, matte)
