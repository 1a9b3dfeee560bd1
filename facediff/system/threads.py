"""How many threads torch takes, where several of a program's own threads say so at once.

``torch.set_num_threads`` is for the thread that calls it and for every thread that uses torch for the first time
afterwards. Who lowers it for a moment would pass the low number on to those, and two that do so at once would each
restore what the other had set, for good. So the number that is everybody's is noted here while anybody takes fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

_lock, _holders, _usual = Lock(), 0, 1


def count_threads() -> int:
    """Threads that torch takes in this program where nobody says otherwise for a moment."""
    with _lock:
        return _usual if _holders else torch.get_num_threads()


@contextmanager
def keep_threads() -> Iterator[int]:
    """Notes how many threads torch takes, gives the number, and restores it for this thread and those to come."""
    global _holders, _usual
    with _lock:
        if not _holders:
            _usual = torch.get_num_threads()
        _holders += 1
        usual = _usual
    try:
        yield usual
    finally:
        with _lock:
            _holders -= 1
            torch.set_num_threads(usual)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for networks of small layers: they lose by more, up to a second where cores are busy."""
    with keep_threads():
        torch.set_num_threads(1)
        yield


def take_threads(count: int) -> None:
    """Has this thread take so many from now on; whoever started it is within ``keep_threads``."""
    torch.get_num_threads()  # or the first layer takes the number that is then everybody's
    torch.set_num_threads(count)
