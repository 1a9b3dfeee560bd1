"""A video played for as long as is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")  # a frame, or what makes one

_CHUNK = 120  # frames that are held at once where a video is played backwards


def play_held(video: Iterable[T], count: int) -> Iterator[tuple[int, T]]:
    """A video, and its last frame for ever, with the index of each frame; see ``play_pingpong``."""
    last: tuple[int, T] | None = None
    for last in zip(range(count), video, strict=False):
        yield last
    while last is not None:
        yield last


def play_again(video: Iterable[T], count: int) -> Iterator[tuple[int, T]]:
    """A video from its start, again and again, with the index of each frame; see ``play_pingpong``."""
    while True:
        yield from zip(range(count), video, strict=False)


def play_pingpong(video: Iterable[T], count: int) -> Iterator[tuple[int, T]]:
    """A video forwards, then backwards, and so on, with the index of each frame; memory stays flat.

    Args:
        video: Is read anew by every iteration.
        count: How many of its frames.
    """
    while True:
        yield from zip(range(count), video, strict=False)
        for stop in range(count - 1, 1, -_CHUNK):
            start = max(1, stop - _CHUNK)
            held = list(islice(video, start, stop))
            yield from zip(range(stop - 1, start - 1, -1), reversed(held), strict=False)
