"""Frames that are warped and painted while others are looked at.

A network of this size gains little from a second thread and stalls where the other one is busy, so chunks are painted
side by side, each by one thread, and the warp of those to come is a thread of its own. What comes out is in order, and
the same to the bit as one after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from threading import Barrier, Event

import torch
from threadpoolctl import threadpool_limits

from facediff.rendering.frame import FIRST, P, paint_waiting
from facediff.system.allocation import keep_freed_memory
from facediff.system.opencv_threads import hold_opencv_threads
from facediff.system.threads import count_threads, keep_threads, take_threads
from facediff.types import Frame

MOST_PAINTERS = 6  # beyond, the warp is what is waited for
SPARED = 2  # threads of many that are left to the warp and to whoever takes the frames
HELD_BYTES = 256 << 20  # of frames that are on the way, beside the two chunks that there are at least


def count_painters(device: torch.device) -> int:
    """Chunks that are best painted side by side by networks on a device: as many as torch may take threads, or one."""
    return min(MOST_PAINTERS, count_threads()) if device.type == "cpu" else 1


def paint_ahead(
    frames: Iterable[P], size: int, paint: Callable[[list[P]], Iterable[Frame]], painters: int, first: int = FIRST
) -> Iterator[tuple[P, Frame]]:
    """Frames and what became of them, in order, as ``paint_in_chunks`` makes them; others are made meanwhile.

    Nothing is begun before the first is asked for; the first ones are painted alone, while others are read. What goes
    wrong is raised when it is its turn. Whoever stops early, or closes the iterator, waits for what is being read and
    painted at that moment, and no thread is left.

    Args:
        frames: Read by one thread, which is not the caller's.
        size: Frames that are painted at once.
        paint: Is called by several threads at once.
        painters: How many.
        first: Frames of the first chunk; see ``paint_in_chunks``.
    """
    source, is_left = iter(frames), Event()
    pending: deque[tuple[Future[list[P]], Future[list[Frame]]]] = deque()

    def take(count: int) -> list[P]:
        taken = []
        for frame in islice(source, count):
            taken.append(frame)
            if is_left.is_set():
                break
        return taken

    with _Threads(1) as reader, hire_crew(painters) as crew:

        def begin(read: Future[list[P]]) -> None:
            pending.append((read, crew.submit(lambda: list(paint_waiting(read.result(), paint)))))

        try:
            begin(reader.submit(take, min(first, size)))  # alone: whoever wants no more does not wait for others
            ahead: Future[list[P]] | None = reader.submit(take, size)
            most = 1
            while True:
                while len(pending) < most:
                    begin(ahead or reader.submit(take, size))
                    ahead = None
                read, painted = pending.popleft()
                pictures, waiting = painted.result(), read.result()
                if not waiting:
                    return
                if most == 1:
                    most = _count_held(waiting, size, painters)
                else:
                    begin(reader.submit(take, size))
                yield from zip(waiting, pictures, strict=True)
        finally:
            is_left.set()


def _count_held(first: list[P], size: int, painters: int) -> int:
    """Chunks that may be on the way at once: one to each painter and one more, unless they are large."""
    return max(2, min(painters + 1, HELD_BYTES // (size * first[0].picture.nbytes)))


class _Threads(ThreadPoolExecutor):
    """Threads that drop what they have not begun when their block is left."""

    def __exit__(self, *error: object) -> None:
        self.shutdown(wait=True, cancel_futures=True)


@contextmanager
def hire_crew(painters: int) -> Iterator[Executor]:
    """Threads that paint, each with its share of those that torch may take in this one; none is left behind.

    What they have not begun when the block is left is dropped. Meanwhile numpy has one thread: a second one has little
    to do in matrices of a face, and turns in circles until it has, which may take most of a core; and OpenCV has
    the processors that are left. And memory that is free again waits for the next frame.
    """
    threads = count_threads()
    share = threads if painters == 1 else max(1, (threads - SPARED) // painters)
    ready = Barrier(painters + 1)

    def join() -> None:
        take_threads(share)
        ready.wait()

    with (
        threadpool_limits(1, user_api="blas"),
        hold_opencv_threads(max(1, threads - painters - 1)),
        keep_freed_memory(),
        _Threads(painters) as crew,
    ):
        try:
            with keep_threads():
                for _ in range(painters):
                    crew.submit(join)
                ready.wait()
        except BaseException:
            ready.abort()  # those that wait for threads that cannot be had
            raise
        yield crew
