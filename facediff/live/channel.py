"""How a session and its process speak: messages through pipes, pictures through shared memory."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import shared_memory
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from facediff.types import Frame

SLOTS = 16  # pictures that are on their way at most


class Messages:
    """Messages both ways, each by a thread of its own, so that nobody waits for the other side.

    What is pickled is our own at both ends.

    Args:
        source: Read from.
        target: Written to.
        receive: Called in the reading thread with each message.
        closed: Called in it once the other side has gone.
    """

    def __init__(
        self, source: IO[bytes], target: IO[bytes], receive: Callable[[Any], None], closed: Callable[[], None]
    ) -> None:
        self._source, self._target, self._receive, self._closed = source, target, receive, closed
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._threads = [Thread(target=run, daemon=True) for run in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    def send(self, message: Any) -> None:
        """Puts a message on its way, without waiting."""
        self._waiting.put(message)

    def close(self, timeout_s: float = 1.0) -> None:
        """Ends writing, when all is written or after a while; the other side is told by the end of its pipe."""
        self._waiting.put(None)
        self._threads[1].join(timeout_s)

    def join(self, timeout_s: float = 1.0) -> None:
        """Waits until both threads have ended, once both sides are closed."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _read(self) -> None:
        try:
            while True:
                self._receive(pickle.load(self._source))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # the other side has gone, perhaps in mid-word
            self._source.close()
            self._closed()

    def _write(self) -> None:
        try:
            while (message := self._waiting.get()) is not None:
                pickle.dump(message, self._target, protocol=5)
                self._target.flush()
        except (OSError, ValueError):  # nobody reads any more
            pass
        with suppress(OSError, ValueError):  # what is still in its buffer goes nowhere
            self._target.close()


class PictureRing:
    """A few pictures of one size in memory that two processes see.

    Args:
        size: Width and height.
        name: Of memory that is there already; None makes it anew, and whoever does that unlinks it.
    """

    def __init__(self, size: tuple[int, int], name: str | None = None) -> None:
        shape = (SLOTS, size[1], size[0], 3)
        if name is None:
            self._memory = shared_memory.SharedMemory(create=True, size=int(np.prod(shape)))
        else:
            self._memory = _attach(name)
        self._pictures: NDArray[np.uint8] = np.ndarray(shape, np.uint8, self._memory.buf)

    @property
    def name(self) -> str:
        """By which the other process finds it."""
        return self._memory.name

    def write(self, number: int, picture: Frame) -> int:
        """Puts the picture of a running number where it belongs; which slot that is."""
        slot = number % SLOTS
        self._pictures[slot] = picture
        return slot

    def read(self, slot: int) -> Frame:
        """A copy of what lies in a slot."""
        return self._pictures[slot].copy()

    def close(self, *, unlink: bool = False) -> None:
        """Lets go of it."""
        self._pictures = np.zeros((0, 0, 0, 3), np.uint8)
        self._memory.close()
        if unlink:
            self._memory.unlink()


def _attach(name: str) -> shared_memory.SharedMemory:
    """Memory of another process, which that process answers for.

    Up to Python 3.12 whoever attaches is taken for an owner, and its end would unlink what the other still uses.
    """
    from multiprocessing import resource_tracker

    register = resource_tracker.register
    resource_tracker.register = lambda name, rtype: None  # type: ignore[assignment]
    try:
        return shared_memory.SharedMemory(name)
    finally:
        resource_tracker.register = register
