"""The frames of a segment, whatever it lies in; and a segment as a file of its own."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from facediff.audio.wave import load_wave
from facediff.datasets.published.files import PICTURE_SUFFIXES
from facediff.datasets.published.record import Segment
from facediff.datasets.published.tfrecord import read_pictures
from facediff.errors import MediaError
from facediff.media import VideoReader, VideoWriter, read_image, write_image
from facediff.types import Frame, Wave

WAVE_RATE = 16000
STILL_FPS = 25.0  # of frames whose set gives no rate
_BAIR = ("{}/image_aux1/encoded", (64, 64))


def read_frames(segment: Segment) -> Iterator[Frame]:
    """Its frames (H, W, 3) uint8, cut in time and cropped; one of a still.

    Raises:
        MediaError: It cannot be read, or has no frame between its times.
    """
    count = 0
    for frame in _frames(segment):
        count += 1
        yield _cropped(frame, segment)
    if not count:
        raise MediaError(f"{segment.path} has no frame of {segment.name}: it ends before {segment.start:g} s")


def _frames(segment: Segment) -> Iterator[Frame]:
    if segment.kind == "still":
        yield _still(segment)
    elif segment.path.is_dir():
        names = segment.frames or tuple(sorted(p.name for p in segment.path.iterdir() if p.suffix in PICTURE_SUFFIXES))
        for name in names[segment.first : segment.last]:
            yield read_image(segment.path / name)
    elif segment.path.suffix == ".tfrecords":
        yield from read_pictures(segment.path, int(segment.member or 0), *_BAIR)
    else:
        reader = VideoReader(segment.path)
        first, last = _span(segment, float(reader.info.fps))
        yield from islice(reader, first, last)


def _span(segment: Segment, fps: float) -> tuple[int, int | None]:
    """First frame, and the first one after."""
    first = segment.first if segment.first is not None else round(segment.start * fps)
    last = segment.last if segment.last is not None else None if segment.end is None else round(segment.end * fps)
    return first, last


def _still(segment: Segment) -> Frame:
    if segment.member is None:
        return read_image(segment.path)
    with tarfile.open(segment.path) as archive:
        file = archive.extractfile(segment.member)
        data = file.read() if file is not None else b""
    try:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except OSError as error:
        raise MediaError(f"{segment.member} in {segment.path} is not a picture") from error


def _cropped(frame: Frame, segment: Segment) -> Frame:
    crop, (height, width) = segment.crop, frame.shape[:2]
    if crop is None:
        return frame
    left, right = round(crop.left * width), round(crop.right * width)
    top, bottom = round(crop.top * height), round(crop.bottom * height)
    return frame[top:bottom, left:right]


def frame_rate(segment: Segment) -> float:
    """Frames per second, as the file says, else the set, else 25."""
    if segment.path.is_file() and segment.path.suffix not in (".tfrecords", ".tar") and segment.kind == "video":
        return float(VideoReader(segment.path).info.fps)
    return segment.fps or STILL_FPS


def read_sound(segment: Segment) -> Wave | None:
    """Its sound, mono at 16,000 samples a second, cut as its frames are; none where it has none.

    Raises:
        MediaError: The sound cannot be read.
    """
    if segment.sound is None or not has_sound(segment):
        return None
    fps = frame_rate(segment)
    first, last = _span(segment, fps)
    wave = load_wave(segment.sound)
    return wave[round(first / fps * WAVE_RATE) : None if last is None else round(last / fps * WAVE_RATE)]


def has_sound(segment: Segment) -> bool:
    """Whether there is sound in the file that is to have it."""
    if segment.sound is None:
        return False
    return segment.sound != segment.path or VideoReader(segment.path).info.has_audio


def write_segment(segment: Segment, target: Path) -> None:
    """Writes a segment as a file of its own: a png of a still, else a video with its sound.

    Raises:
        MediaError: It cannot be read.
        OutputError: It cannot be written.
    """
    frames = read_frames(segment)
    first = next(frames)
    if segment.kind == "still":
        write_image(target, first)
        return
    height, width = first.shape[:2]
    fps = Fraction(frame_rate(segment)).limit_denominator(1001)
    with VideoWriter(target, (width, height), fps, audio=read_sound(segment), crf=16) as writer:
        writer.write(first)
        for frame in frames:
            writer.write(frame)
