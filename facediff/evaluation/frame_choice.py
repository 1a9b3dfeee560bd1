"""Which frames are looked at where all would take too long, and those frames of several videos side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.evaluation.screening import Shown
from facediff.media import VideoReader
from facediff.types import Frame


def thin(rows: NDArray[np.bool_], most: int) -> set[int]:
    """About so many of the true rows (T,), evenly spread."""
    true = np.flatnonzero(rows)
    return set(true[:: max(1, len(true) // most)].tolist())


def read_chosen(rows: set[int] | None, *videos: Iterable[Frame]) -> Iterator[tuple[Any, ...]]:
    """Each of the rows, or all, with its frame of each video, as far as the shortest goes."""
    shown = [video for video in videos if isinstance(video, Shown)]
    if shown and len(shown) == len(videos):
        yield from shown[0].screening.attend(rows, *shown)
        return
    for taken in zip(*(_taken(rows, video) for video in videos), strict=False):
        yield (taken[0][0], *(frame for _, frame in taken))


def _taken(rows: set[int] | None, video: Iterable[Frame]) -> Iterator[tuple[int, Frame]]:
    if rows is not None and isinstance(video, VideoReader):
        return video.take(rows)
    return ((row, frame) for row, frame in enumerate(video) if rows is None or row in rows)
