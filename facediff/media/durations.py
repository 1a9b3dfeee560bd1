"""How long files are, found without decoding them."""

from __future__ import annotations

from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from facediff.errors import MediaError
from facediff.system.containers import moving_stream, open_container
from facediff.system.timeline import end_of


def sound_seconds(path: str | Path) -> float:
    """Length of a sound in seconds, from where the picture begins if there is one; 0 where nothing says it.

    Raises:
        MediaError: It cannot be read.
    """
    return _seconds(Path(path), is_sound=True)


def picture_seconds(path: str | Path) -> float:
    """Length of a film's picture in seconds; 0 where nothing says it.

    Raises:
        MediaError: It cannot be read.
    """
    return _seconds(Path(path), is_sound=False)


def _seconds(path: Path, *, is_sound: bool) -> float:
    try:
        with open_container(path) as container:
            picture = moving_stream(container)
            wanted = next(iter(container.streams.audio), None) if is_sound else picture
            if wanted is None or wanted.time_base is None:
                return 0.0
            end = _end(container, wanted)
            start = (picture or wanted).start_time
            base = (picture or wanted).time_base
            return max(0.0, end - float((start or 0) * (base or 0)))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: it is corrupt, empty or of an unknown kind") from error


def _end(container: InputContainer, stream: AudioStream | VideoStream) -> float:
    """When a stream ends, by the header's word; browsers' recordings and AVI's sounds have none: packets are asked."""
    if not stream.duration and container.duration and container.format.name != "avi":
        return ((container.start_time or 0) + container.duration) / av.time_base
    return end_of(container, stream)
