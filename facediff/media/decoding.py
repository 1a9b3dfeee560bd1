"""The frames of a video file as they are stored, each with its time: upright, whole, with square pixels, RGB."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.alpha import decode, has_alpha
from facediff.media.colour import RgbConverter, to_rgb
from facediff.media.damage import DamageWatch
from facediff.media.interlacing import deinterlace
from facediff.media.light import light_of
from facediff.media.notices import warn_once
from facediff.media.orientation import orientation_of
from facediff.media.rates import LOWEST, filled_rate, fraction_of, held_rate, measured_rate, nominal_rate, packet_times
from facediff.system.containers import MAX_PIXELS, in_time, moving_stream, moving_streams, open_container
from facediff.types import Frame

log = logging.getLogger(__name__)

_TOLERATED_LOSS_S = 1
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)$")
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


class Film:
    """A video file; every iteration opens it anew and gives each frame (H, W, 3) uint8 with its time in seconds.

    A file that is damaged part-way gives the frames before the damage, with a warning; one with damaged bits in it
    gives what its decoder makes of them, with another. Bits of VP8 may be wrong
    without breaking a rule of its, and single ones of HEVC; these are not told.

    Args:
        path: The file.

    Raises:
        MediaError: It is no video, or has no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as (container, stream):
            try:
                frames = in_time(decode(container.demux(stream), stream), container)
                first = next(frames, None)
                if first is None:
                    raise MediaError(f"{path} has no frame that can be decoded")
                times = (_time(f, stream) for f in chain([first], frames))
                is_avi = container.format.name == "avi"
                rate = (held_rate(stream, times) if is_avi else nominal_rate(stream)) or measured_rate(times)
            except av.FFmpegError as error:
                raise MediaError(f"{path} has no frame that can be decoded") from error
            _tell_choice(path, stream, moving_streams(container))
            self._has_alpha = has_alpha(first, stream)
            self._light = light_of(first, stream.codec_context, path)
            self._upright = orientation_of(first, str(path))
            self._size = _square_size(first.width, first.height, fraction_of(stream.sample_aspect_ratio))
            width, height = self._upright.size(self._size)
            self.info = VideoInfo(
                width=width,
                height=height,
                fps=self._filled(rate),
                seconds=float(container.duration or 0) / av.time_base,
                has_audio=bool(container.streams.audio),
                is_tagged=self._light is not None or int(first.colorspace) != 2,  # H.273: unspecified
            )
        self._is_seen = False  # to the end, so that its damage has been told
        self.last_s = 1 / self.info.fps  # how long its last frame is shown

    def _filled(self, rate: Fraction) -> Fraction:
        if rate >= LOWEST:
            return rate
        with self._open() as (container, stream):
            return filled_rate(rate, packet_times(container, stream))

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
        try:
            container = open_container(self.path)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"{self.path} cannot be read as a video: it is corrupt, empty or of an unknown kind"
            ) from error
        with container:
            stream = moving_stream(container)
            if stream is None:
                raise MediaError(f"{self.path} has no picture; give a video, or a portrait as an image")
            # Frames may grow beyond what the header says; the decoder refuses those that would fill the memory.
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream

    def undrawn(self) -> Iterator[tuple[Fraction | None, Callable[[], Frame]]]:
        """What makes each frame, with its time, None where the file does not say; RGB costs more than decoding."""
        converter = RgbConverter(self._size, self._light, self._has_alpha)
        with self._open() as (container, stream):
            stream.thread_type = "AUTO"
            reached, watch = Fraction(0), DamageWatch(self.path, stream, has_second=not self._is_seen)
            try:
                packets = watch.packets(container.demux(stream))
                for frame in deinterlace(watch.frames(in_time(decode(packets, stream), container))):
                    time = _time(frame, stream)
                    reached = reached if time is None else time
                    yield time, partial(self._draw, converter, frame)
            except av.FFmpegError as error:
                warn_of_damage(self.path, error)
                return
            self._is_seen = True
            missing = _said_end(container, stream) - reached
            if missing > _TOLERATED_LOSS_S:
                log.warning("%s is cut short: its last %.1f s cannot be read", self.path, float(missing))

    def _draw(self, converter: RgbConverter, frame: av.VideoFrame) -> Frame:
        return self._upright(to_rgb(converter, frame))


def warn_of_damage(path: Path, error: av.FFmpegError) -> None:
    """Says that what comes behind a damaged place is not read."""
    log.warning("%s is damaged; the frames before the damage are used (%s)", path, error)


def _tell_choice(path: Path, chosen: av.VideoStream, streams: list[av.VideoStream]) -> None:
    """Says which of several films in one file is taken."""
    if len(streams) > 1:
        others = ", ".join(f"{one.width}x{one.height}" for one in streams if one.index != chosen.index)
        warn_once(
            f"{path} holds {len(streams)} films; the one of {chosen.width}x{chosen.height} (stream {chosen.index}) is "
            f"taken, not {others}; for another, copy it into a file of its own"
        )


def _time(frame: av.VideoFrame, stream: av.VideoStream) -> Fraction | None:
    base = fraction_of(frame.time_base or stream.time_base)
    return None if frame.pts is None or base is None else frame.pts * base


def _said_end(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction:
    """When the picture ends by the header's word, in seconds; 0, or too early, where that does not say it for sure."""
    if stream.duration and stream.time_base:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base
    if clock := _CLOCK.match(stream.metadata.get("DURATION", "")):  # of a track of Matroska
        hours, minutes, seconds = map(Fraction, clock.groups())
        return 3600 * hours + 60 * minutes + seconds
    return Fraction(0 if container.streams.audio else container.duration or 0, av.time_base)


def _square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels; only the width is stretched."""
    if not aspect or abs(aspect - 1) <= _SQUARE_ENOUGH or not Fraction(1, 8) <= aspect <= 8:
        return width, height
    return max(2, round(width * aspect / 2) * 2), height
