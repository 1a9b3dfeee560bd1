"""How many threads OpenCV takes, where several of a program's own threads say so at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from facediff.system.overlap import Overlap

_overlap: Overlap[int] = Overlap()


@contextmanager
def hold_opencv_threads(most: int) -> Iterator[None]:
    """Has OpenCV take no more threads than are left over: its own wait for one another, and for those of torch.

    The number is the whole program's. Blocks may overlap: the first one's counts for all, and after the last one it is
    what it was before.

    Args:
        most: Threads, at least 1, which is whoever calls OpenCV.
    """

    def lower() -> int:
        usual = cv2.getNumThreads()
        cv2.setNumThreads(min(most, usual))
        return usual

    with _overlap.hold(lower, cv2.setNumThreads):
        yield
