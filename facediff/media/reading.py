"""Videos as streams of upright RGB frames at a constant rate. Knows no face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from facediff.errors import MediaError
from facediff.media.animation import Animation
from facediff.media.decoding import Film, VideoInfo
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
        fps, count, last = self.info.fps, 0, None
        origin = time = Fraction(0)
        for stamp, frame in self._stored:
            before, time = time, stamp if stamp is not None else time + 1 / self._rate
            if last is None:
                origin = time
            elif time <= before:  # time stamps start again, as where recordings were joined
                origin += time - before - 1 / self._rate
            # The frame's place on the constant grid, half a frame of tolerance for rounded time stamps.
            place = int((time - origin) * fps + Fraction(1, 2))
            for _ in range(count, place):
                yield last  # type: ignore[misc]
            count, last = max(count, place), frame
        if last is not None:
            end = int((time - origin + self._stored.last_s) * fps + Fraction(1, 2))
            for _ in range(count, max(end, 1)):
                yield last
