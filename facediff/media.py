"""Pictures and videos, read and written as streams of RGB frames. Knows no face."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from facediff.errors import InputError, MediaError, OutputError
from facediff.types import Frame, Wave

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v", ".ts", ".flv", ".wmv", ".gif")
OUTPUT_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")
MAX_PIXELS = 64_000_000
WAVE_RATE = 16000


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        width: In pixels, after rotation; ``height`` likewise.
        fps: Nominal frames per second.
        seconds: Length; 0 where the file does not say.
        has_audio: Whether there is a sound track.
    """

    width: int
    height: int
    fps: Fraction
    seconds: float
    has_audio: bool


def is_video(path: str | Path) -> bool:
    """Whether the file's name says that it is a video."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


class VideoReader:
    """Streams the frames of a video, upright and at a constant rate.

    Frames of a variable-rate video are repeated or dropped by their time stamps, so that frame k shows time
    k / fps. A file that is damaged part-way gives the frames before the damage, with a warning.

    Args:
        path: The file.
        fps: Frames per second wanted; the file's own by default.

    Raises:
        MediaError: No such file, not a video, or no frame in it.
    """

    def __init__(self, path: str | Path, fps: Fraction | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MediaError(f"there is no video at {self.path}")
        with self._open() as container:
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.base_rate or Fraction(25)
            try:
                first = next(container.decode(stream))
            except (av.FFmpegError, StopIteration) as error:
                raise MediaError(f"{self.path} has no frame that can be decoded") from error
            self._turns = round((getattr(first, "rotation", 0) or 0) / 90) % 4
            size = (first.height, first.width) if self._turns % 2 else (first.width, first.height)
            self.info = VideoInfo(
                width=size[0],
                height=size[1],
                fps=Fraction(fps or rate),
                seconds=float(container.duration or 0) / av.time_base,
                has_audio=bool(container.streams.audio),
            )

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"{self.path} cannot be read as a video: it is corrupt, empty or of an unknown kind"
            ) from error
        if not container.streams.video:
            container.close()
            raise MediaError(f"{self.path} has no picture; give a video, or a portrait as an image")
        return container

    def __iter__(self) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8, RGB, from the start; every iteration opens the file anew."""
        due, origin, last = 0, None, None
        for time, frame in self._decoded():
            if time is None:  # no time stamps: frames as they come
                yield frame
                continue
            origin = time if origin is None else origin
            # The frame's place on the constant grid, half a frame of tolerance for rounded time stamps.
            place = int((time - origin) * self.info.fps + Fraction(1, 2))
            while last is not None and due < place:
                yield last
                due += 1
            last = frame
        if last is not None:
            yield last

    def _decoded(self) -> Iterator[tuple[Fraction | None, Frame]]:
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            try:
                for frame in container.decode(stream):
                    time = (
                        None
                        if frame.pts is None
                        else Fraction(frame.pts) * (frame.time_base or stream.time_base or Fraction(1))
                    )
                    yield time, self._upright(frame)
            except av.FFmpegError as error:
                log.warning("%s is damaged; the frames before the damage are used (%s)", self.path, error)

    def _upright(self, frame: av.VideoFrame) -> Frame:
        array = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(array, self._turns)) if self._turns else array


class VideoWriter:
    """Writes H.264 video, with sound, in one go: the file appears under its name when it is whole.

    It is written under a temporary name in the same folder. If anything goes wrong, Ctrl-C included, nothing is left.
    Odd sizes lose their last row or column, since H.264 with 4:2:0 colour wants even ones.

    Args:
        path: Where to; mp4, mov, m4v or mkv.
        size: Width and height in pixels.
        fps: Frames per second.
        audio: Mono sound, float32 in [-1, 1], or None.
        audio_rate: Its samples per second.
        crf: Quality, 0 (lossless) to 51; 18 is visually lossless.
        preset: x264's trade of time for size.

    Raises:
        InputError: The name ends in something else.
        OutputError: The place cannot be written to.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        fps: Fraction,
        *,
        audio: Wave | None = None,
        audio_rate: int = WAVE_RATE,
        crf: int = 17,
        preset: str = "veryfast",
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in OUTPUT_SUFFIXES:
            raise InputError(f"{self.path} must end in one of {', '.join(OUTPUT_SUFFIXES)}")
        if not self.path.parent.is_dir():
            with _output_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_dir() or not os.access(self.path.parent, os.W_OK):
            raise OutputError(f"{self.path} cannot be written: choose another place")
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.partial{self.path.suffix}")
        self._fps, self._audio, self._audio_rate, self._count = Fraction(fps), audio, audio_rate, 0
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        with _output_errors(self.path):
            self._container = av.open(str(self._partial), "w", options={"movflags": "+faststart"})
            self._video = self._container.add_stream("libx264", rate=self._fps)
            self._video.width, self._video.height = self._size
            self._video.pix_fmt = "yuv420p"
            self._video.options = {"crf": str(crf), "preset": preset}
            self._video.codec_context.thread_count = 2
            self._sound = None
            if audio is not None:
                self._sound = self._container.add_stream("aac", rate=48000, layout="mono")
                self._sound.bit_rate = 128_000

    def write(self, frame: Frame) -> None:
        """Append one RGB frame (H, W, 3) uint8."""
        cropped = np.ascontiguousarray(frame[: self._size[1], : self._size[0]])
        with _output_errors(self.path):
            # No colour tags: readers and x264 then agree on the matrix that the conversion used.
            picture = av.VideoFrame.from_ndarray(cropped, format="rgb24")
            picture.pts, picture.time_base = self._count, 1 / self._fps
            for packet in self._video.encode(picture):
                self._container.mux(packet)
        self._count += 1

    def _write_sound(self) -> None:
        assert self._sound is not None and self._audio is not None
        wanted = round(Fraction(self._count) / self._fps * self._audio_rate)
        wave = self._audio[:wanted]
        wave = np.pad(wave, (0, wanted - len(wave))).astype(np.float32)
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=48000)
        for start in range(0, len(wave), self._audio_rate):
            block = av.AudioFrame.from_ndarray(
                wave[None, start : start + self._audio_rate], format="fltp", layout="mono"
            )
            block.sample_rate, block.pts = self._audio_rate, start
            block.time_base = Fraction(1, self._audio_rate)
            self._encode_sound(resampler.resample(block))
        self._encode_sound(resampler.resample(None))
        for packet in self._sound.encode(None):
            self._container.mux(packet)

    def _encode_sound(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            for packet in self._sound.encode(frame):  # type: ignore[union-attr]
                self._container.mux(packet)

    def _finish(self) -> None:
        if not self._count:
            raise OutputError(f"no frame was made, so {self.path} was not written")
        with _output_errors(self.path):
            for packet in self._video.encode(None):
                self._container.mux(packet)
            if self._sound is not None:
                self._write_sound()
            self._container.close()
            os.replace(self._partial, self.path)

    def _discard(self) -> None:
        with contextlib.suppress(Exception):
            self._container.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()


@contextlib.contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """What the system or the encoder complains of, as one sentence."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, OutputError):
            raise
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else str(error)
        raise OutputError(f"{path} cannot be written: {reason}") from error


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """A picture as RGB (H, W, 3) uint8, upright, transparency over white.

    Raises:
        MediaError: No such file, not a picture, or more than ``max_pixels``.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no picture at {path}")
    try:
        with Image.open(path) as opened:
            picture: Image.Image = opened
            if picture.width * picture.height > max_pixels:
                raise MediaError(
                    f"{path} has {picture.width}x{picture.height} pixels; at most {max_pixels / 1e6:g} million "
                    "are taken: make it smaller"
                )
            picture = ImageOps.exif_transpose(picture)
            if picture.mode.startswith("I;16") or picture.mode == "I":
                picture = Image.fromarray((np.asarray(picture, np.float64) / 257).clip(0, 255).astype(np.uint8))
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                layered = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
            return np.array(picture.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"{path} cannot be read as a picture: it is corrupt, empty or of an unknown kind") from error


def write_image(path: str | Path, frame: Frame) -> None:
    """Writes RGB (H, W, 3) uint8 as PNG or JPEG, by the name's ending."""
    path = Path(path)
    ok, data = cv2.imencode(path.suffix or ".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    if not ok:
        raise OutputError(f"{path} cannot be written as a picture")
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data.tobytes())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
