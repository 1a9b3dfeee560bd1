"""How many threads OpenCV takes, where several of a program's own threads say so at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import cv2

_lock, _holders, _usual = Lock(), 0, 1


@contextmanager
def hold_opencv_threads(most: int) -> Iterator[None]:
    """Has OpenCV take no more threads than are left over: its own wait for one another, and for those of torch.

    The number is the whole program's. Blocks may overlap: the first one's counts for all, and after the last one it is
    what it was before.

    Args:
        most: Threads, at least 1, which is whoever calls OpenCV.
    """
    global _holders, _usual
    with _lock:
        if not _holders:
            _usual = cv2.getNumThreads()
            cv2.setNumThreads(min(most, _usual))
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                cv2.setNumThreads(_usual)
