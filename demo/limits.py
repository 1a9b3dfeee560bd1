"""What an upload may be. Uploads are hostile until they have passed here. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from facediff.audio.wave import stream_wave
from facediff.errors import ConfigError, InputError, MediaError
from facediff.media import VideoReader, is_video, read_image
from facediff.media.animation import read_ends
from facediff.media.pictures import is_moving, picture_size
from facediff.system.containers import moving_stream, open_container
from facediff.types import Frame

MAX_SIDE_PX = 8192
MAX_RATE = 120


@dataclass(frozen=True)
class Limits:
    """What an upload may be.

    Attributes:
        seconds: Longest speech, source video or driving video.
        megapixels: Largest picture or video frame, in millions of pixels.
        megabytes: Largest file.
        videos: How many to learn from.

    Raises:
        ConfigError: A limit is not above zero.
    """

    seconds: float = 60.0
    megapixels: float = 16.0
    megabytes: float = 200.0
    videos: int = 20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise ConfigError(f"the limit of {name} must be above 0, not {value:g}")

    def picture(self, path: str | Path | None) -> Frame:
        """A picture within the limits, as RGB (H, W, 3) uint8; its size is known before it is decoded.

        Raises:
            InputError: There is none, or it cannot be used.
        """
        if path is None:
            raise InputError("choose a picture first")
        self._check_bytes(path)
        picture = read_image(path, max_pixels=round(self.megapixels * 1e6))
        self._check_size(path, picture.shape[1], picture.shape[0])
        return picture

    def check_video(self, path: str | Path | None) -> Path:
        """The path of a video within the limits; time stamps are read, since headers may lie or be silent.

        Raises:
            InputError: There is none, or it cannot be used.
        """
        if path is None:
            raise InputError("choose a video first")
        self._check_bytes(path)
        if (size := picture_size(Path(path))) is not None:
            self._check_size(path, *size)
            if is_moving(Path(path)):  # a GIF or the like
                for count, end in enumerate(read_ends(Path(path)), 1):
                    self._check_seconds(path, max(float(end), count / MAX_RATE))
                return Path(path)
        first: float | None = None
        for count, packet in enumerate(_packets(path, "video"), 1):
            if count == 1:  # before any frame is decoded
                self._check_size(path, packet.stream.codec_context.width, packet.stream.codec_context.height)
            time = float((packet.pts or 0) * (packet.time_base or 0))
            first = time if first is None else min(first, time)
            self._check_seconds(path, max(time - first, count / MAX_RATE))
        info = VideoReader(path).info
        self._check_size(path, info.width, info.height)
        return Path(path)

    def check_footage(self, paths: Sequence[str | Path] | None) -> Iterator[Path]:
        """The paths of videos to learn from, each once it has been looked at.

        Raises:
            InputError: There are none, too many, or one of them cannot be used.
        """
        if not paths:
            raise InputError("choose some videos first")
        if len(paths) > self.videos:
            raise InputError(f"{len(paths)} videos were given; at most {self.videos} are taken")
        for path in paths:
            self._check_bytes(path)
            if not is_video(path):
                raise MediaError(f"{path} is no video; give .mp4, .mov, .webm or the like")
            yield self.check_video(path)

    def check_sound(self, path: str | Path | None) -> Path:
        """The path of a sound within the limits.

        Raises:
            InputError: There is none, or it cannot be used.
        """
        if path is None:
            raise InputError("record or upload some speech first")
        self._check_bytes(path)
        next(_packets(path, "audio"), None)
        for _ in stream_wave(path, max_seconds=self.seconds):
            pass
        return Path(path)

    def _check_bytes(self, path: str | Path) -> None:
        if Path(path).is_file() and Path(path).stat().st_size > self.megabytes * 1e6:
            raise MediaError(f"{path} is larger than {self.megabytes:g} MB; make it smaller")

    def _check_seconds(self, path: str | Path, seconds: float) -> None:
        if seconds > self.seconds:
            raise MediaError(f"{path} is longer than {self.seconds:g} seconds; cut it into parts")

    def _check_size(self, path: str | Path, width: int, height: int) -> None:
        if width * height > self.megapixels * 1e6:
            raise MediaError(
                f"{path} has {width}x{height} pixels; at most {self.megapixels:g} million are taken: make it smaller"
            )
        if max(width, height) > MAX_SIDE_PX:
            raise MediaError(f"{path} is {width}x{height} pixels; no side may have more than {MAX_SIDE_PX}")


def _packets(path: str | Path, kind: str) -> Iterator[av.Packet]:
    """The packets with a time stamp of the first stream of a kind."""
    try:
        with open_container(path) as container:
            stream = moving_stream(container) if kind == "video" else next(iter(container.streams.audio), None)
            if stream is None:
                raise MediaError(f"{path} has no {'sound' if kind == 'audio' else 'picture'}; choose another file")
            yield from (packet for packet in container.demux(stream) if packet.pts is not None)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        thing = "sound" if kind == "audio" else "a video"
        raise MediaError(f"{path} cannot be read as {thing}: it is corrupt, empty or of an unknown kind") from error
