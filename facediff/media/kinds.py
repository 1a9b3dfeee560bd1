"""What a file is: a picture or a video, told by what is in it and not by its name."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import av

from facediff.errors import AudioError
from facediff.media.pictures import is_moving, picture_size
from facediff.system.containers import moving_stream, open_container

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v", ".mts", ".m2ts", ".ts", ".3gp", ".flv", ".wmv",
    ".gif",
)  # fmt: skip

# Streams without a container are told by so little that any file may look like one; names must agree.
_BARE_FORMATS = ("h264", "hevc", "mpegvideo", "m4v")
_BARE_SUFFIXES = ("", ".h264", ".264", ".hevc", ".265", ".h265", ".m1v", ".m2v", *VIDEO_SUFFIXES)


def is_video(path: str | Path) -> bool:
    """Whether a file shows more than one moment, by its contents; what cannot be read, or is not there, by its name.

    A film of one frame is a picture; a GIF, WebP, AVIF or PNG that moves is a video.
    """
    path = Path(path)
    if path.is_file():
        if picture_size(path) is not None:
            return is_moving(path)
        frames = _count_frames(path)
        if frames:
            return frames > 1
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_sound(path: Path) -> bool:
    """Whether a file is heard and shows nothing that moves."""
    try:
        with open_container(path) as container:
            return bool(container.streams.audio) and moving_stream(container) is None
    except (av.FFmpegError, OSError, ValueError):
        return False


def check_speech_file(path: str | Path) -> None:
    """Refuses a picture where speech is wanted, which would else be called a damaged sound.

    Raises:
        AudioError: It is one.
    """
    if Path(path).is_file() and picture_size(Path(path)) is not None:
        raise AudioError(f"{path} is a picture, where speech is wanted: a sound, or a video with sound")


def is_single_frame(path: Path) -> bool:
    """Whether a file is a video of one frame."""
    return _count_frames(path) == 1


def _count_frames(path: Path) -> int:
    """0, 1, or 2 for all beyond: how many frames a video has, without decoding any; 0 for what is none."""
    try:
        with open_container(path) as container:
            stream = moving_stream(container)
            is_doubtful = container.format.name in _BARE_FORMATS and path.suffix.lower() not in _BARE_SUFFIXES
            if stream is None or is_doubtful:
                return 0
            return len(list(islice((packet for packet in container.demux(stream) if packet.size), 2)))
    except (av.FFmpegError, OSError, ValueError):
        return 0
