"""Frames that are painted in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.rendering.frame import WarpedFace, WarpedFrame, paint_in_chunks
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
