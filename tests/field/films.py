"""Films as people bring them, made of the astronaut with a clock under her, and what each must show."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

Picture = NDArray[np.uint8]

PICTURE = np.ascontiguousarray(astronaut()[:192, 128:384])  # wider than high, and no two of its eight ways alike
STRIP, STEP = 16, 8  # pixels: how high the clock is, and how far its hand goes in one frame of 25 a second
FRAMES = 16


def scene(seconds: float, picture: Picture = PICTURE) -> Picture:
    """The picture at a moment: a white square on the black strip at its bottom says when."""
    shown = picture.copy()
    shown[-STRIP:] = 0
    left = round(seconds * 25 * STEP)
    shown[-STRIP:, left : left + 2 * STEP] = 255
    return shown


def moment(frame: Picture) -> float:
    """When a frame was taken, in seconds, by its clock."""
    height, width = frame.shape[:2]
    strip = frame[round(height * (1 - 0.75 * STRIP / 192)) : round(height * (1 - 0.25 * STRIP / 192))]
    light = np.maximum(strip.astype(float).mean(axis=(0, 2)) - 96, 0)
    middle = float(light @ (np.arange(width) + 0.5) / max(light.sum(), 1e-9)) * 256 / width
    return (middle - STEP) / STEP / 25


@dataclass(frozen=True)
class Shown:
    """What a film must show.

    Attributes:
        picture: Upright, in sRGB, its pixels square; the clock aside.
        levels: How far it may be off, of 255, on the mean.
        fps: Frames per second that come out.
        times: The moments that the frames must show, in seconds; evenly from 0 on by default.
        has_clock: Whether there is a clock.
        says: Part of a warning that must be given; none may be otherwise.
    """

    picture: Picture = field(default_factory=PICTURE.view)
    levels: float = 5.0
    fps: Fraction = Fraction(25)
    times: tuple[float, ...] | None = None
    has_clock: bool = True
    says: str = ""


def frame_of(codes: Picture, pixel_format: str, *, matrix: int = 5, is_full: bool = False) -> av.VideoFrame:
    """A frame in a format of FFmpeg's; yuv by a matrix, as H.273 counts, of video range or full."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(codes), format="rgb24")
    if pixel_format == "rgb24":
        return frame
    name = {1: "bt709", 5: "bt601", 9: "bt2020"}[matrix]
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format="rgb24", time_base=Fraction(1, 25))
    flags = "accurate_rnd+full_chroma_inp+bicubic"
    scale = graph.add("scale", f"flags={flags}:out_color_matrix={name}:out_range={'pc' if is_full else 'tv'}")
    graph.link_nodes(source, scale, graph.add("format", pixel_format), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def write(
    path: Path, *, codec: str = "libx264", pixel_format: str = "yuv420p", times: Sequence[float] | None = None,
    picture: Picture = PICTURE, tags: tuple[int, int, int] | None = None, matrix: int = 5, is_full: bool = False,
    options: dict[str, str] | None = None, muxing: dict[str, str] | None = None, kind: str | None = None,
    aspect: Fraction | None = None, rate: int = 25, clock: int = 1000, before: Callable[[Any], object] | None = None,
    show: Callable[[float], Picture] | None = None, field_order: int | None = None,
) -> Path:  # fmt: skip
    """A film whose frames show the times at which they are shown.

    Args:
        path: Its ending says what container it is, unless ``kind`` does.
        codec: FFmpeg's encoder.
        pixel_format: As FFmpeg names it.
        times: When each frame is shown, in seconds; 16 at 25 a second by default.
        picture: What is seen.
        tags: Primaries, transfer and matrix, as H.273 counts; said nothing about by default.
        matrix: By which it is coded.
        is_full: Whether its codes are of full range; said where there are tags.
        options: Of the encoder.
        muxing: Of the container.
        kind: FFmpeg's name of the container.
        aspect: Of a pixel.
        rate: Of the header.
        clock: Ticks a second of the time stamps.
        before: Adds streams to the container, before any packet.
        show: What to show at a time instead of the scene.
        field_order: The first field on top, 1, or at the bottom, 0; whole frames by default.
    """
    times = [k / 25 for k in range(FRAMES)] if times is None else times
    with av.open(str(path), "w", format=kind, options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or _quality(codec))
        first = (show or (lambda t: scene(t, picture)))(0)
        stream.height, stream.width, stream.pix_fmt = *first.shape[:2], pixel_format
        stream.codec_context.time_base = Fraction(1, clock)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if tags is not None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = tags
            context.color_range = 2 if is_full else 1
        if before is not None:
            before(container)
        for time in times:
            shown = show(time) if show is not None else scene(time, picture)
            frame = frame_of(shown, pixel_format, matrix=matrix, is_full=is_full)
            frame.pts, frame.time_base = round(time * clock), Fraction(1, clock)
            if tags is not None:
                frame.color_primaries, frame.color_trc, frame.colorspace = tags
                frame.color_range = 2 if is_full else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _quality(codec: str) -> dict[str, str]:
    if codec in ("libx264", "libx264rgb"):
        return {"crf": "8", "preset": "veryfast"}
    if codec == "libx265":
        return {"crf": "8", "preset": "ultrafast", "x265-params": "log-level=none"}
    if codec in ("libvpx", "libvpx-vp9"):
        return {"crf": "8", "b": "4M", "deadline": "realtime", "cpu-used": "8"}
    if codec == "libsvtav1":
        return {"crf": "4", "preset": "8"}
    return (
        {"b": "6000000"}
        if codec.startswith("mpeg") and codec != "mpeg4"
        else {"qmin": "1", "qmax": "3", "b": "6000000"}
    )


def turn(path: Path, matrix: tuple[int, int, int, int], *, box: bytes = b"tkhd") -> Path:
    """An mp4, mov or 3gp with another matrix (a, b, c, d), of its track or, in the box ``mvhd``, of all of it."""
    data = bytearray(path.read_bytes())
    at = data.index(box) + 4 + (40 if box == b"tkhd" else 36)
    a, b, c, d = matrix
    data[at : at + 24] = (np.array([a, b, 0, c, d, 0]) * 65536).astype(">i4").tobytes()
    path.write_bytes(data)
    return path


def cut(path: Path, share: float) -> Path:
    """A file that ends early, as a download does that broke off."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def box(name: bytes, content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    return struct.pack(">I4s", 8 + len(content), name) + content
