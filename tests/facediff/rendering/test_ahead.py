"""Frames that are made while others are looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from facediff.rendering import ahead
from facediff.rendering.ahead import count_painters, paint_ahead
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.types import RigidPose

POSE = RigidPose(np.eye(3, dtype=np.float32)[None], np.ones(1, np.float32), np.zeros((1, 3), np.float32))
FACE = WarpedFace(np.zeros((478, 3), np.float32), POSE)
SIZE = 4


def frame(k: int) -> WarpedFrame:
    """A frame of a colour; every third one shows no face."""
    return WarpedFrame(np.full((2, 2, 3), k, np.uint8), FACE if k % 3 else None)


def brighten(waiting: list[WarpedFrame]) -> list[np.ndarray]:
    """Later chunks are done sooner."""
    time.sleep(0.02 / (1 + waiting[0].picture[0, 0, 0]))
    return [one.picture + 100 for one in waiting]


class Taken:
    """Frames without end, and how many were taken."""

    def __init__(self) -> None:
        self.count, self.is_closed = 0, False

    def __iter__(self) -> Iterator[WarpedFrame]:
        try:
            while True:
                self.count += 1
                yield frame(self.count % 100)
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("painters", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 30])
def test_frames_come_in_order_each_with_what_it_became(painters, count) -> None:
    pairs = list(paint_ahead(map(frame, range(count)), SIZE, brighten, painters))
    assert [int(one.picture[0, 0, 0]) for one, _ in pairs] == list(range(count))
    assert [int(made[0, 0, 0]) for _, made in pairs] == [100 + k if k % 3 else k for k in range(count)]


def test_chunks_behind_the_first_are_painted_at_the_same_time() -> None:
    met = threading.Barrier(2)

    def meet(waiting: list[WarpedFrame]) -> list[np.ndarray]:
        if len(waiting) == SIZE:
            met.wait(10)  # breaks where one chunk waits for the other
        return [one.picture for one in waiting]

    assert len(list(paint_ahead((frame(1) for _ in range(2 + 2 * SIZE)), SIZE, meet, 2))) == 2 + 2 * SIZE


def test_nothing_is_taken_before_it_is_asked_for_and_little_ahead() -> None:
    taken, painted = Taken(), []

    def note(waiting: list[WarpedFrame]) -> list[np.ndarray]:
        painted.append(len(waiting))
        return brighten(waiting)

    made = paint_ahead(taken, SIZE, note, 2)
    time.sleep(0.05)
    assert taken.count == 0
    next(made)
    time.sleep(0.1)
    assert len(painted) == 1, "the first frames are painted alone"
    assert taken.count == 2 + SIZE, "while the next are read"
    next(made), next(made)
    time.sleep(0.1)
    assert 2 < taken.count <= 2 + 4 * SIZE
    made.close()


def test_large_frames_are_not_held_by_the_dozen(monkeypatch) -> None:
    monkeypatch.setattr(ahead, "HELD_BYTES", 1)
    taken = Taken()
    made = paint_ahead(taken, SIZE, brighten, 5)
    next(made)
    time.sleep(0.1)
    assert taken.count <= 2 + 3 * SIZE
    made.close()


def test_whoever_stops_early_leaves_no_thread_and_closes_the_source() -> None:
    taken = Taken()
    source = iter(taken)
    made = paint_ahead(source, SIZE, brighten, 2)
    next(made)
    made.close()
    del source, made
    assert taken.is_closed


def test_whoever_stops_early_does_not_wait_for_all_that_is_being_read() -> None:
    taken = Taken()

    def slowly() -> Iterator[WarpedFrame]:
        for one in taken:
            if taken.count > 2:
                time.sleep(0.1)
            yield one

    made = paint_ahead(slowly(), 50, brighten, 2)
    next(made)
    made.close()
    assert taken.count < 10


@pytest.mark.parametrize("painters", [1, 2])
def test_an_error_of_the_warp_comes_after_the_frames_before_it(painters) -> None:
    def frames() -> Iterator[WarpedFrame]:
        yield from map(frame, range(2 + SIZE))
        raise RuntimeError("no more")

    made = paint_ahead(frames(), SIZE, brighten, painters)
    for _ in range(2 + SIZE):
        next(made)
    with pytest.raises(RuntimeError, match="no more"):
        next(made)


def test_an_error_of_a_painter_is_raised() -> None:
    def fail(waiting: list[WarpedFrame]) -> list[np.ndarray]:
        raise ValueError("no paint")

    with pytest.raises(ValueError, match="no paint"):
        list(paint_ahead(map(frame, range(20)), SIZE, fail, 2))


def test_painters_share_the_threads_of_torch_which_keeps_its_own() -> None:
    before, seen = torch.get_num_threads(), set()

    def look(waiting: list[WarpedFrame]) -> list[np.ndarray]:
        seen.add(torch.get_num_threads())
        return [one.picture for one in waiting]

    later: list[int] = []
    try:
        torch.set_num_threads(2)
        list(paint_ahead((frame(1) for _ in range(30)), SIZE, look, count_painters(torch.device("cpu"))))
        assert torch.get_num_threads() == 2
        other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        other.start()
        other.join()
    finally:
        torch.set_num_threads(before)
    assert seen == {1}
    assert later == [2]


def test_a_card_has_one_painter() -> None:
    assert count_painters(torch.device("cuda")) == 1


def test_numpy_has_one_thread_while_frames_are_painted_and_its_own_afterwards() -> None:
    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    seen: list[set[int]] = []

    def look(waiting: list[WarpedFrame]) -> list[np.ndarray]:
        seen.append(threads())
        return [one.picture for one in waiting]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        list(paint_ahead((frame(1) for _ in range(3)), SIZE, look, 1))
        assert threads() == before
    assert seen and all(numbers <= {1} for numbers in seen)
