"""Videos as streams of upright RGB frames at a constant rate. Knows no face."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.colour import Converter, to_rgb
from facediff.media.images import MAX_PIXELS
from facediff.media.interlacing import deinterlace
from facediff.media.orientation import orientation_of
from facediff.system.containers import open_container
from facediff.types import Frame

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v", ".ts", ".flv", ".wmv", ".gif")
_MAX_RATE = 240  # beyond it the header's rate is its clock, not that of its frames
_PROBED_FRAMES = 60
_TOLERATED_LOSS_S = 1
_SQUARE_ENOUGH = 0.02  # a pixel this little off square is shown as it is


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        width: In pixels, as shown upright; ``height`` likewise.
        fps: Frames per second that the reader gives.
        seconds: Length; 0 where the file does not say.
        has_audio: Whether there is a sound track.
        is_tagged: Whether the file says how its colours are coded.
    """

    width: int
    height: int
    fps: Fraction
    seconds: float
    has_audio: bool
    is_tagged: bool


def is_video(path: str | Path) -> bool:
    """Whether the file's name says that it is a video."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


class VideoReader:
    """Streams the frames of a video: upright, whole (not fields), square pixels, at a constant rate.

    Frames of a variable-rate video are repeated or dropped by their time stamps, so that frame k shows time
    k / fps from the first frame on. A file that is damaged part-way gives the frames before the damage, with a
    warning. One or two frames are held at a time.

    Args:
        path: The file.
        fps: Frames per second wanted; the file's own (its mean, where it varies) by default.

    Raises:
        MediaError: No such file, not a video, or no frame in it.
    """

    def __init__(self, path: str | Path, fps: Fraction | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MediaError(f"there is no video at {self.path}")
        with self._open() as container:
            stream = container.streams.video[0]
            try:
                head = [(_time(f, stream), f) for f in islice(container.decode(stream), 1)]
                self._rate = _nominal_rate(stream) or _measured_rate(container, stream, head)
            except av.FFmpegError as error:
                raise MediaError(f"{self.path} has no frame that can be decoded") from error
            if not head:
                raise MediaError(f"{self.path} has no frame that can be decoded")
            first = head[0][1]
            self._upright = orientation_of(first, str(self.path))
            self._size = _square_size(first.width, first.height, stream.sample_aspect_ratio)
            width, height = self._upright.size(self._size)
            self.info = VideoInfo(
                width=width,
                height=height,
                fps=Fraction(fps or self._rate),
                seconds=float(container.duration or 0) / av.time_base,
                has_audio=bool(container.streams.audio),
                is_tagged=int(first.colorspace) != 2,  # H.273: unspecified
            )

    def _open(self) -> av.container.InputContainer:
        try:
            container = open_container(self.path)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"{self.path} cannot be read as a video: it is corrupt, empty or of an unknown kind"
            ) from error
        if not container.streams.video:
            container.close()
            raise MediaError(f"{self.path} has no picture; give a video, or a portrait as an image")
        # Frames may grow beyond what the header says; the decoder refuses those that would fill the memory.
        container.streams.video[0].codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        return container

    def __iter__(self) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8, RGB, from the start; every iteration opens the file anew."""
        fps, count, last = self.info.fps, 0, None
        origin = time = Fraction(0)
        for stamp, frame in self._decoded():
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
            end = int((time - origin + 1 / self._rate) * fps + Fraction(1, 2))
            for _ in range(count, max(end, 1)):
                yield last

    def _decoded(self) -> Iterator[tuple[Fraction | None, Frame]]:
        converter = Converter(self._size, "rgb24")
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            reached = Fraction(0)
            try:
                for frame in deinterlace(container.decode(stream)):
                    time = _time(frame, stream)
                    reached = reached if time is None else time
                    yield time, self._upright(to_rgb(converter, frame))
            except av.FFmpegError as error:
                log.warning("%s is damaged; the frames before the damage are used (%s)", self.path, error)
                return
            if stream.duration and stream.time_base:
                missing = ((stream.start_time or 0) + stream.duration) * stream.time_base - reached
                if missing > _TOLERATED_LOSS_S:
                    log.warning("%s is cut short: its last %.1f s cannot be read", self.path, float(missing))


def _time(frame: av.VideoFrame, stream: av.VideoStream) -> Fraction | None:
    base = frame.time_base or stream.time_base
    return None if frame.pts is None or base is None else frame.pts * Fraction(base)


def _nominal_rate(stream: av.VideoStream) -> Fraction | None:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 1 <= rate <= _MAX_RATE:
            return Fraction(rate)
    return None


def _measured_rate(
    container: av.container.InputContainer, stream: av.VideoStream, head: list[tuple[Fraction | None, av.VideoFrame]]
) -> Fraction:
    """Mean rate of the first frames, for files whose header knows none; 25 where time stamps say nothing either."""
    times = [t for t, _ in head] + [_time(f, stream) for f in islice(container.decode(stream), _PROBED_FRAMES)]
    known = [t for t in times if t is not None]
    if len(known) < 2 or known[-1] <= known[0]:
        return Fraction(25)
    rate = (len(known) - 1) / (known[-1] - known[0])
    return min(max(rate, Fraction(1)), Fraction(_MAX_RATE)).limit_denominator(1001)


def _square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels; only the width is stretched."""
    if not aspect or abs(aspect - 1) <= _SQUARE_ENOUGH or not Fraction(1, 8) <= aspect <= 8:
        return width, height
    return max(2, round(width * aspect / 2) * 2), height
