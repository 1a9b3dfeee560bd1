"""Videos as streams of upright RGB frames at a constant rate. Knows no face."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.animation import Animation
from facediff.media.decoding import Film, VideoInfo, warn_of_damage
from facediff.media.pictures import is_moving
from facediff.types import Frame

__all__ = ["VideoInfo", "VideoReader"]


class VideoReader:
    """Streams the frames of a video: upright, whole (not fields), square pixels, at a constant rate.

    Frames of a variable-rate video are repeated or dropped by their time stamps, so that frame k shows time
    k / fps from the first frame on. A file that is damaged part-way gives the frames before the damage, with a
    warning. One or two frames are held at a time. A picture that moves (GIF, WebP, AVIF, PNG) is a video.

    Args:
        path: The file.
        fps: Frames per second wanted. By default the file's own; where it varies, its mean, or if that is below 24,
            the rate of the frames that come fast.

    Raises:
        MediaError: No such file, not a video, or no frame in it.
    """

    def __init__(self, path: str | Path, fps: Fraction | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MediaError(f"there is no video at {self.path}")
        self._stored = Animation(self.path) if is_moving(self.path) else Film(self.path)
        self._rate = self._stored.info.fps
        self.info = self._stored.info if fps is None else replace(self._stored.info, fps=Fraction(fps))

    def __iter__(self) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8, RGB, from the start; every iteration opens the file anew."""
        yield from (frame for _, frame in self._drawn(None))

    def take(self, rows: Collection[int]) -> Iterator[tuple[int, Frame]]:
        """Some of the frames by their numbers, with these, in order; the others cost no more than being decoded."""
        left = len(set(rows))
        for row, frame in self._drawn(rows) if left else ():
            yield row, frame
            left -= 1
            if not left:
                return

    def count(self) -> int:
        """How many frames it gives: all are decoded for it, and none is drawn."""
        try:
            return sum(1 for _ in self._placed())
        except av.FFmpegError as error:
            raise MediaError(f"{self.path} cannot be read: {error}") from error

    def _drawn(self, rows: Collection[int] | None) -> Iterator[tuple[int, Frame]]:
        last: Callable[[], Frame] | None = None
        frame: Frame | None = None
        for row, make in enumerate(self._placed()):
            if rows is not None and row not in rows:
                continue
            if frame is None or make is not last:
                try:
                    last, frame = make, make()
                except av.FFmpegError as error:
                    warn_of_damage(self.path, error)
                    return
            yield row, frame

    def _placed(self) -> Iterator[Callable[[], Frame]]:
        """What makes each frame of the constant grid."""
        fps, count, last = self.info.fps, 0, None
        origin = time = Fraction(0)
        for stamp, make in self._undrawn():
            before, time = time, stamp if stamp is not None else time + 1 / self._rate
            if last is None:
                origin = time
            elif time <= before:  # time stamps start again, as where recordings were joined
                origin += time - before - 1 / self._rate
            # The frame's place on the constant grid, half a frame of tolerance for rounded time stamps.
            place = int((time - origin) * fps + Fraction(1, 2))
            for _ in range(count, place):
                yield last  # type: ignore[misc]
            count, last = max(count, place), make
        if last is not None:
            end = int((time - origin + self._stored.last_s) * fps + Fraction(1, 2))
            for _ in range(count, max(end, 1)):
                yield last

    def _undrawn(self) -> Iterator[tuple[Fraction | None, Callable[[], Frame]]]:
        if isinstance(self._stored, Film):
            yield from self._stored.undrawn()
        else:
            yield from ((stamp, partial(_same, frame)) for stamp, frame in self._stored)


def _same(frame: Frame) -> Frame:
    return frame
