"""Videos as every browser plays them, and one that nobody can take for good."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2

from facediff.audio.wave import load_sound
from facediff.media import VideoReader, VideoWriter
from facediff.types import Frame

BROKEN_COLUMNS = 10  # of a frame in a check: faces are gone


@dataclass(frozen=True, kw_only=True)
class Look:
    """What tells videos apart without their being looked at.

    Attributes:
        size: Width and height.
        seconds: Length.
        has_sound: Whether it has any.
    """

    size: tuple[int, int]
    seconds: float
    has_sound: bool

    def differences(self, other: Look) -> list[str]:
        """How two differ, in words."""
        told = []
        if self.size != other.size:
            told.append("sizes are {}x{} and {}x{}".format(*self.size, *other.size))
        if abs(self.seconds - other.seconds) > 0.2:
            told.append(f"they last {self.seconds:.1f} s and {other.seconds:.1f} s")
        if self.has_sound != other.has_sound:
            told.append("one has sound and the other has none")
        return told


def describe(path: Path) -> Look:
    """How a video looks from outside.

    Raises:
        MediaError: It cannot be read.
    """
    info = VideoReader(path).info
    return Look(size=(info.width, info.height), seconds=info.seconds, has_sound=info.has_audio)


def write_playable(path: Path, target: Path) -> None:
    """Copies a video that every browser plays (H.264 of 8 bits in mp4); writes any other as one, nearly lossless."""
    if path.suffix.lower() == ".mp4" and _is_plain(path):
        shutil.copyfile(path, target)
    else:
        _rewrite(path, target, lambda frame: frame)


def _is_plain(path: Path) -> bool:
    with av.open(str(path)) as film:
        if not film.streams.video:
            return False
        codec = film.streams.video[0].codec_context
        return codec.name == "h264" and codec.pix_fmt in ("yuv420p", "yuvj420p")


def write_broken(path: Path, target: Path) -> None:
    """The video in so few squares that nobody is seen in it."""

    def break_up(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        few = cv2.resize(
            frame, (BROKEN_COLUMNS, max(1, BROKEN_COLUMNS * height // width)), interpolation=cv2.INTER_AREA
        )
        return cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)

    _rewrite(path, target, break_up)


def _rewrite(path: Path, target: Path, change) -> None:
    reader = VideoReader(path)
    info = reader.info
    sound = load_sound(path) if info.has_audio else None
    with VideoWriter(target, (info.width, info.height), Fraction(info.fps), sound=sound) as writer:
        for frame in reader:
            writer.write(change(frame))
