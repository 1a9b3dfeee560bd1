"""What holds for a whole program while any of its threads wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Overlap(Generic[T]):
    """Blocks that may overlap: the first one begins something, and the last one ends it."""

    def __init__(self) -> None:
        self._lock, self._count = Lock(), 0
        self._kept: T

    @contextmanager
    def hold(self, begin: Callable[[], T], end: Callable[[T], None]) -> Iterator[None]:
        """A block.

        Args:
            begin: Is called if there is no other, and gives what is to be known in the end.
            end: Is called, with it, when there is no other left.
        """
        with self._lock:
            if not self._count:
                self._kept = begin()
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if not self._count:
                    end(self._kept)
