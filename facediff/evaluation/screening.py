"""One reading of videos for all who look at their frames: decoding them costs more than most of what is seen there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from threading import Condition, local
from typing import Any

from facediff.errors import FaceDiffError
from facediff.media import VideoReader
from facediff.system.threads import keep_threads, take_threads
from facediff.types import Frame

Rows = Collection[int] | None  # numbers of frames; None for all
SHARES = 4  # of torch's threads, since several viewers have networks
_END = object()


class Shown:
    """A video that is shown to several at once; whoever comes too late, or again, has it read anew."""

    def __init__(self, reader: VideoReader, screening: Screening) -> None:
        self.reader, self.screening = reader, screening

    def __iter__(self) -> Iterator[Frame]:
        for _, frame in self.screening.attend(None, self):
            yield frame


class Screening:
    """Videos that are read in step, once, by the thread that opens it; each viewer is a thread of its own.

    Frames are held until the last viewer that wants them has taken them, and no viewer is more than two frames ahead of
    another, so memory does not grow with the length.
    """

    def __init__(self) -> None:
        self._seats: dict[int, _Seat] = {}
        self._settled: set[int] = set()
        self._changed, self._here = Condition(), local()
        self._is_open = True
        self._broken: BaseException | None = None

    def show(self, reader: VideoReader) -> Shown:
        """The video as viewers are to read it."""
        return Shown(reader, self)

    def run(self, viewers: Sequence[Callable[[], Any]]) -> list[Any]:
        """What the viewers give. The reading begins when each of them waits for frames, or has ended.

        Raises:
            Exception: The first that any viewer raised, after all have ended.
        """
        if not viewers:
            return []
        with _threads(len(viewers)) as pool:
            coming = [pool.submit(self._view, number, viewer) for number, viewer in enumerate(viewers)]
            try:
                with self._changed:
                    self._changed.wait_for(lambda: len(self._settled) >= len(viewers))
                    self._is_open = False
                self._feed()
            except FaceDiffError as error:  # which each of them is told
                self._close(error)
            except BaseException as error:
                self._close(error)
                raise
            self._close(_END)
            return [one.result() for one in coming]

    def attend(self, rows: Rows, *videos: Shown) -> Iterator[tuple[Any, ...]]:
        """Each of the rows with its frame of each video, as far as the shortest goes."""
        number = getattr(self._here, "number", None)
        with self._changed:
            if self._broken is not None:
                raise self._broken
            if not self._is_open or number is None or number in self._settled:
                return _anew(rows, videos)
            seat = self._seats[number] = _Seat(rows, videos)
            self._settle(number)
        return seat.frames()

    def _view(self, number: int, viewer: Callable[[], Any]) -> Any:
        self._here.number = number
        try:
            return viewer()
        finally:
            with self._changed:
                self._settle(number)
            if number in self._seats:
                self._seats[number].leave()

    def _settle(self, number: int) -> None:
        self._settled.add(number)
        self._changed.notify()

    def _feed(self) -> None:
        """Reads each video once, those that are wanted in step, as far as there is somebody who looks."""
        videos = list(dict.fromkeys(video for seat in self._seats.values() for video in seat.videos))
        readings = {video: _read(self._wanted(video), video.reader) for video in videos}
        heads = {video: next(reading, None) for video, reading in readings.items()}
        while there := {video: head for video, head in heads.items() if head is not None}:
            row = min(head[0] for head in there.values())
            now = {video: head[1] for video, head in there.items() if head[0] == row}
            for seat in self._seats.values():
                seat.take(row, now)
            if all(seat.is_left for seat in self._seats.values()):
                return
            heads |= {video: next(readings[video], None) for video in now}

    def _wanted(self, video: Shown) -> Rows:
        wanted: set[int] = set()
        for seat in self._seats.values():
            if video in seat.videos:
                if seat.rows is None:
                    return None
                wanted.update(seat.rows)
        return wanted

    def _close(self, last: object) -> None:
        with self._changed:
            self._broken = last if isinstance(last, BaseException) else None
            seats = list(self._seats.values())
        for seat in seats:
            seat.put(last)


class _Seat:
    """Where a viewer waits for frames."""

    def __init__(self, rows: Rows, videos: tuple[Shown, ...]) -> None:
        self.rows, self.videos, self.is_left = None if rows is None else set(rows), videos, False
        self._waiting: Queue[Any] = Queue(maxsize=1)

    def take(self, row: int, now: dict[Shown, Frame]) -> None:
        if (self.rows is None or row in self.rows) and all(video in now for video in self.videos):
            self.put((row, *(now[video] for video in self.videos)))

    def put(self, what: object) -> None:
        if not self.is_left:
            self._waiting.put(what)

    def frames(self) -> Iterator[tuple[Any, ...]]:
        left = -1 if self.rows is None else len(self.rows)
        try:
            while left and (given := self._waiting.get()) is not _END:
                if isinstance(given, BaseException):
                    raise given
                yield given
                del given  # or it is held while the next is waited for
                left -= 1
        finally:
            self.leave()

    def leave(self) -> None:
        self.is_left = True
        with suppress(Empty):  # whoever is putting one more is not kept waiting
            self._waiting.get_nowait()


def _read(rows: Rows, video: VideoReader) -> Iterator[tuple[int, Frame]]:
    return enumerate(video) if rows is None else video.take(rows)


def _anew(rows: Rows, videos: tuple[Shown, ...]) -> Iterator[tuple[Any, ...]]:
    for taken in zip(*(_read(rows, video.reader) for video in videos), strict=False):
        yield (taken[0][0], *(frame for _, frame in taken))


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads, each of which may take a share of torch's."""
    with (
        keep_threads() as most,
        ThreadPoolExecutor(count, initializer=take_threads, initargs=(max(1, most // SHARES),)) as pool,
    ):
        yield pool


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of them gives, each in a thread of its own."""
    if len(works) < 2:
        return [work() for work in works]
    with _threads(len(works)) as pool:
        coming: list[Future] = [pool.submit(work) for work in works]
        return [one.result() for one in coming]
