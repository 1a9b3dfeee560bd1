"""The time line of a file: where it begins, and where on it its sound lies. Knows no face.

Time zero is the first frame of the picture that is shown; a sound alone begins with its own first sample. What is
decoded carries time stamps, by which sound may begin late or early, and have holes: a sound whose samples are merely
counted then drifts away from the lips.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from facediff.system.containers import MAX_PIXELS, in_time, moving_stream, open_container

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_ROUNDED_S = 0.002  # time stamps of whole milliseconds are off by this little
_FAR_S = 10.0  # a sound that begins so far from the picture may have nothing to do with it
_JITTER_S = 0.010  # and those of what a browser records by this much, to and fro: measured with Chromium 156
_AHEAD = 8  # frames of sound that must agree that there is a hole
RESTART_S = 1.0  # time stamps that leap back so far begin anew, as where recordings were joined


def picture_start(path: Path) -> float | None:
    """When the first frame that is shown is shown, in seconds of the file's own clock; None without a picture.

    Headers do not know: decoders drop what an edit list cuts away, or what lacks the frames it builds upon.

    Raises:
        av.FFmpegError, ValueError: The file cannot be opened.
    """
    with open_container(path) as container:
        stream = moving_stream(container)
        if stream is None or stream.time_base is None:
            return None
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        said = None if stream.start_time is None else float(stream.start_time * stream.time_base)
        try:
            first = next(in_time(container.decode(stream), container), None)
        except av.FFmpegError:
            return said
        return said if first is None or first.pts is None else float(first.pts * (first.time_base or stream.time_base))


def zero_of(path: Path, container: InputContainer, stream: AudioStream) -> float | None:
    """Time zero of a file for one of its sounds, in seconds of its clock; None for the sound's own first sample.

    Raises:
        av.FFmpegError, ValueError: The file cannot be opened.
    """
    picture = moving_stream(container)
    zero = None if picture is None else picture_start(path)
    if zero is None or picture is None:
        return None
    begin = float((stream.start_time or 0) * (stream.time_base or 0))
    if abs(begin - zero) > _FAR_S:
        with open_container(path) as one, open_container(path) as other:  # all packets may have to be read
            is_apart = begin >= end_of(one, picture) or end_of(other, stream) <= zero
        if is_apart:
            log.warning("%s: by its time stamps the sound lies outside the picture; both begin at once", path)
            return None
    return zero


def end_of(container: InputContainer, stream: AudioStream | VideoStream) -> float:
    """When a stream ends, in seconds of the file's clock: by the header, or else by all its packets, which are read."""
    base = stream.time_base or 0
    if stream.duration:
        return float(((stream.start_time or 0) + stream.duration) * base)
    stamps = (packet.pts + (packet.duration or 0) for packet in container.demux(stream.index) if packet.pts is not None)
    return float(max(stamps, default=0) * base)


def on_time_line(frames: Iterable[AudioFrame], zero: float | None) -> Iterator[AudioFrame]:
    """Decoded sound, sample after sample from time zero on, without time stamps.

    Holes are filled with silence; what lies before zero, or is there twice, is cut. Time stamps that merely tremble,
    as those of browsers do, change nothing: a hole is one only if the next frames say so too. Nor do those that stand.

    Args:
        frames: In the order they were decoded.
        zero: In seconds of the file's clock; None for the first sample.
    """
    source = safe_frames(frames)
    waiting = deque(islice(source, _AHEAD))
    reached, has_begun = 0.0, False
    stands = len(waiting) == _AHEAD and len({frame.time for frame in waiting}) == 1
    while waiting:
        frame = waiting[0]
        time = None if stands else frame.time
        if zero is None:
            zero = time
        if time is not None and zero is not None:
            gap = time - zero - reached
            if has_begun and gap < -RESTART_S:
                zero, gap = zero + gap, 0.0
            elif has_begun and abs(gap) > _JITTER_S:
                gap = _agreed(waiting, zero + reached)
            elif has_begun or abs(gap) < _ROUNDED_S:
                gap = 0.0
            samples = round(gap * frame.sample_rate)
            yield from _silence(frame, samples)
            kept = split(frame, -samples)[1]
            reached += max(samples, 0) / frame.sample_rate
        else:
            kept = frame
        waiting.popleft()
        if (following := next(source, None)) is not None:
            waiting.append(following)
        if kept is not None:
            has_begun = True
            reached += kept.samples / kept.sample_rate
            kept.pts = None
            yield kept


def safe_frames(frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    """The same frames, those of eight and more planes with their channels interleaved.

    PyAV 18 miscounts the planes of such frames, and may crash.
    """
    setup: tuple[str, str, int] | None = None
    packer: av.AudioResampler | None = None
    for frame in frames:
        if not frame.format.is_planar or channels_of(frame) < 8:
            yield frame
            continue
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if packer is None or now != setup:
            setup = now
            packer = av.AudioResampler(frame.format.packed.name, frame.layout.name, frame.sample_rate)
        yield from packer.resample(frame)


def split(frame: AudioFrame, samples: int) -> tuple[AudioFrame | None, AudioFrame | None]:
    """The first samples of a frame, and the others; None where there are none."""
    if samples <= 0:
        return None, frame
    if samples >= frame.samples:
        return frame, None
    at = samples if frame.format.is_planar else samples * channels_of(frame)
    values = frame.to_ndarray()
    return _frame(values[:, :at], frame), _frame(values[:, at:], frame)


def _agreed(frames: Iterable[AudioFrame], at: float) -> float:
    """The gap in seconds before the first of some frames that all of them allow for, if the first belongs at ``at``."""
    gaps: list[float] = []
    for frame in frames:
        time = frame.time
        if time is not None:
            gaps.append(time - at)
        at += frame.samples / frame.sample_rate
    if min(gaps) > _JITTER_S:
        return min(gaps)
    return max(gaps) if max(gaps) < -_JITTER_S else 0.0


def _silence(like: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    """So many samples of silence, a second at most at a time."""
    zero = 128 if like.format.name.startswith("u8") else 0
    while samples > 0:
        count = min(samples, like.sample_rate)
        samples -= count
        shape = (channels_of(like), count) if like.format.is_planar else (1, channels_of(like) * count)
        yield _frame(np.full(shape, zero, like.to_ndarray().dtype), like)


def _frame(values: NDArray[np.generic], like: AudioFrame) -> AudioFrame:
    values = np.ascontiguousarray(values)
    made = AudioFrame.from_ndarray(values, format=like.format.name, layout=like.layout.name)  # type: ignore[arg-type]
    made.sample_rate = like.sample_rate
    return made


def relabelled(frame: AudioFrame, layout: str) -> AudioFrame:
    """A frame whose channels are said to be others, as many."""
    made = AudioFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name, layout=layout)  # type: ignore[arg-type]
    made.sample_rate, made.pts, made.time_base = frame.sample_rate, frame.pts, frame.time_base
    return made


def channels_of(frame: AudioFrame) -> int:
    """How many channels a frame of sound has."""
    return int(frame.layout.nb_channels)
