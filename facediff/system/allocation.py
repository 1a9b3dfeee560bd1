"""What the C library does with memory that is free again; numpy, OpenCV and torch on a CPU live on it."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from facediff.system.overlap import Overlap

# Names and numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 512 << 20
_LARGEST = 32 << 20  # the most that older versions take
_USUAL_KEPT = 2 * _LARGEST  # where glibc's own adjustment ends

_overlap: Overlap[None] = Overlap()


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Has glibc keep what is free, up to half a gigabyte, for who asks next, rather than give it to the system.

    A frame's pictures and layers are megabytes each, and are free again at once. Given back, each is taken anew page by
    page, and the system clears every page: two thousand a frame, an eighth of the processor's time of painting. Peak
    memory stays about as it is. Elsewhere than on Linux with glibc nothing changes.

    Afterwards the thresholds are those that glibc's own adjustment comes to in the end. Blocks may overlap.

    Source: ``man 3 mallopt``.
    """
    with _overlap.hold(lambda: _set_thresholds(_KEPT), lambda _: _give_back()):
        yield


def _set_thresholds(kept: int) -> None:
    library = _find_library()
    if library is not None and library.mallopt(_MMAP_THRESHOLD, _LARGEST):
        library.mallopt(_TRIM_THRESHOLD, kept)


def _give_back() -> None:
    _set_thresholds(_USUAL_KEPT)
    library = _find_library()
    if library is not None:
        library.malloc_trim(0)


def _find_library() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)
