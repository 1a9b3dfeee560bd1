"""Kinds of films that phones, cameras, browsers, programs and broadcasters make, and what each shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.stream import Disposition
from PIL import Image

from tests.facediff.media.films import RGB_TO_2020, hlg, levels, linear, pq
from tests.facediff.media.films import write as write_codes

from .films import FRAMES, PICTURE, Shown, cut, scene, turn, write

FILMS: dict[str, tuple[str, Callable[[Path], Shown]]] = {}
_EVEN = [k / 25 for k in range(FRAMES)]


def film(name: str, about: str) -> Callable[[Callable[[Path], Shown]], Callable[[Path], Shown]]:
    """Registers what makes a film by what it is about; ``name`` is that of the file."""

    def register(make: Callable[[Path], Shown]) -> Callable[[Path], Shown]:
        FILMS[about] = name, make
        return make

    return register


def plain(name: str, about: str, shown: Shown | None = None, **given: Any) -> None:
    """Registers a film that is the scene, written in some way."""

    @film(name, about)
    def make(path: Path) -> Shown:
        write(path, **given)
        return shown or Shown()


def _turned(frame: np.ndarray, turns: int, is_mirrored: bool = False) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(frame[:, ::-1] if is_mirrored else frame, turns))


def _squeezed(time: float) -> np.ndarray:
    return scene(time).reshape(192, 128, 2, 3).mean(axis=2).round().astype(np.uint8)


@film("a.3gp", "an old phone's 3gp, held upside down")
def _(path: Path) -> Shown:
    write(path, codec="mpeg4", show=lambda t: _turned(scene(t), 2))
    turn(path, (-1, 0, 0, -1))
    return Shown(levels=6)


@film("a.mov", "a phone's mov of HEVC, held upright")
def _(path: Path) -> Shown:
    write(path, codec="libx265", show=lambda t: _turned(scene(t), 1))
    turn(path, (0, 1, -1, 0))
    return Shown()


@film("a.mp4", "a front camera's mp4, upright and mirrored")
def _(path: Path) -> Shown:
    write(path, show=lambda t: _turned(scene(t)[:, ::-1], 1))
    turn(path, (0, 1, 1, 0))
    return Shown(picture=PICTURE)


@film("a.mov", "a mov whose movie is turned, not its track")
def _(path: Path) -> Shown:
    write(path, show=lambda t: _turned(scene(t), 2))
    turn(path, (-1, 0, 0, -1), box=b"mvhd")
    return Shown()


@film("a.mp4", "pixels that are not square, of a film that is turned")
def _(path: Path) -> Shown:
    narrow = lambda t: _turned(scene(t), 1).reshape(256, 96, 2, 3).mean(axis=2).round().astype(np.uint8)  # noqa: E731
    write(path, show=narrow, aspect=Fraction(2))
    turn(path, (0, 1, -1, 0))
    return Shown(levels=9)


plain("a.mkv", "pixels that are not square, in Matroska", Shown(levels=9), show=_squeezed, aspect=Fraction(2))
plain(
    "a.mpg", "a disc's mpg of 16:9", Shown(levels=9), codec="mpeg2video", clock=25, show=_squeezed, aspect=Fraction(2)
)
plain(
    "a.mp4", "an odd size of 4:2:0", Shown(picture=PICTURE[:, :-1]), codec="libvpx-vp9", show=lambda t: scene(t)[:, :-1]
)
plain(
    "a.avi",
    "an odd size in an avi of motion JPEG",
    Shown(picture=PICTURE[:, :-1]),
    codec="mjpeg",
    pixel_format="yuvj420p",
    is_full=True,
    show=lambda t: scene(t)[:, :-1],
)
plain("a.avi", "raw pixels from the bottom up, in an avi", Shown(levels=1.5), codec="rawvideo", pixel_format="bgr24")
plain("a.avi", "Xvid in an avi", codec="mpeg4", options={"qmin": "1", "qmax": "3", "b": "6000000", "bf": "2"})
plain("a.avi", "H.264 in an avi, whose frames are coded out of order", options={"crf": "8", "bf": "2"})
plain("a.avi", "the same, counted at twice its rate", options={"crf": "8", "bf": "2"}, clock=50, rate=50)
plain("a.wmv", "Windows Media", codec="wmv2")
plain("a.flv", "an old web player's flv", codec="flv")
plain("a.264", "a surveillance camera's bare H.264", kind="h264")
plain("a.mxf", "a broadcaster's MXF", codec="mpeg2video", clock=25, pixel_format="yuv422p")
plain("a.mov", "ProRes of 10 bits and 4:2:2", codec="prores_ks", pixel_format="yuv422p10le", tags=(1, 1, 1), matrix=1)
plain("a.mp4", "a screen recorder's 4:4:4", Shown(levels=2.5), pixel_format="yuv444p", tags=(1, 1, 1), matrix=1)
plain("a.mp4", "a screen recorder's RGB in H.264", Shown(levels=2.5), codec="libx264rgb", pixel_format="rgb24")
plain("a.mov", "QuickTime's animation codec", Shown(levels=1), codec="qtrle", pixel_format="rgb24")
plain("a.mkv", "an archive's FFV1 of 16 bits", Shown(levels=1), codec="ffv1", pixel_format="gbrp16le")


plain(
    "a.mp4",
    "a stream that was saved in fragments",
    muxing={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    options={"crf": "8", "g": "4"},
)
plain(
    "a.avi",
    "a camera's motion JPEG of full range",
    Shown(levels=6),
    codec="mjpeg",
    pixel_format="yuvj420p",
    is_full=True,
)
plain("a.avi", "4:1:1 of a tape", Shown(levels=6), codec="ffv1", pixel_format="yuv411p")
plain("http:a%03d.mp4", "a name that looks like an address and a pattern")


@film("a.mkv", "grey of 8 bits")
def _(path: Path) -> Shown:
    grey = np.repeat(PICTURE.mean(axis=2, keepdims=True).round(), 3, axis=2).astype(np.uint8)
    write(path, codec="ffv1", pixel_format="gray", picture=grey)
    return Shown(picture=grey, levels=2)


plain("a.mp4", "full range, said so", tags=(1, 1, 1), matrix=1, is_full=True)
plain(
    "a.mp4", "AV1 of 10 bits", Shown(levels=6), codec="libsvtav1", pixel_format="yuv420p10le", tags=(1, 1, 1), matrix=1
)
plain("a.mp4", "HEVC of 12 bits and 4:4:4", codec="libx265", pixel_format="yuv444p12le", tags=(1, 1, 1), matrix=1)


@film("a.ts", "a broadcast of HLG")
def _(path: Path) -> Shown:
    return _bright(path, hlg, 18)


@film("a.mkv", "PQ of full range that says nothing of its primaries")
def _(path: Path) -> Shown:
    return _bright(path, pq, 16, primaries=2, is_full=True)


@film("a.mov", "PQ in a camera's ProRes")
def _(path: Path) -> Shown:
    return _bright(path, pq, 16, codec="prores_ks", pixel_format="yuv422p10le")


def _bright(
    path: Path, curve: Callable[[np.ndarray], np.ndarray], transfer: int, *, primaries: int = 9, codec: str = "libx265",
    pixel_format: str = "yuv420p10le", is_full: bool = False,
) -> Shown:  # fmt: skip
    """The picture as dim light of high dynamic range, which a usual screen shows as it is, without a clock."""
    codes = curve(linear(PICTURE.astype(float)) @ RGB_TO_2020.T * 80)
    write_codes(path, codes, codec, pixel_format, (primaries, transfer, 9), is_full=is_full, frames=FRAMES)
    return Shown(picture=levels_at(80), levels=9, has_clock=False)


def levels_at(nits: float) -> np.ndarray:
    """The picture as a usual screen shows it whose white is at 203 nits (BT.2408)."""
    return levels(linear(PICTURE.astype(float)) * nits / 203).round().astype(np.uint8)


plain(
    "a.mkv",
    "the wide matrix with nothing said of light",
    codec="libx265",
    pixel_format="yuv420p10le",
    tags=(2, 2, 9),
    matrix=9,
)


@film("a.mp4", "frames that come unevenly, with a hole")
def _(path: Path) -> Shown:
    times = [0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.48, 0.52, 0.56, 0.6]
    write(path, times=times)
    reached = [max(t for t in times if t <= k / 25 + 0.021) for k in range(16)]
    return Shown(times=tuple(reached))


@film("a.webm", "a browser's frames, whose times tremble")
def _(path: Path) -> Shown:
    times = [max(0, k / 25 + (0.006 if k % 3 else -0.005)) for k in range(FRAMES)]
    write(path, codec="libvpx", times=times, show=lambda t: scene(round(t * 25) / 25))
    return Shown()


@film("a.mp4", "an edit list that cuts the start away")
def _(path: Path) -> Shown:
    write(path, times=[k / 25 - 0.2 for k in range(FRAMES + 5)], show=lambda t: scene(max(t, 0)),
          options={"crf": "8", "bf": "0", "g": "5"}, muxing={"movflags": "negative_cts_offsets"})  # fmt: skip
    return Shown()


@film("a.ts", "a broadcast whose clock starts again in its midst")
def _(path: Path) -> Shown:
    start = 2**33 / 90000 - 0.32
    write(path, times=[start + t for t in _EVEN], show=lambda t: scene(max(0, t - start)), clock=90000,
          muxing={"mpegts_copyts": "1"})  # fmt: skip
    return Shown()


plain(
    "a.mkv", "a recording of hours, cut out", times=[36000 + t for t in _EVEN], show=lambda t: scene(max(0, t - 36000))
)
plain(
    "a.mp4",
    "a recorder's pieces, one after the other",
    muxing={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
)
plain(
    "a.mp4",
    "240 frames a second, for slow motion",
    Shown(fps=Fraction(240), times=tuple(k / 240 for k in range(96))),
    times=[k / 240 for k in range(96)],
    rate=240,
    clock=24000,
)


@film("a.mp4", "the picture of a cover before the film")
def _(path: Path) -> Shown:
    write(path.with_name("film.mp4"))
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(path.with_name("cover.jpg"))
    with (
        av.open(str(path.with_name("film.mp4"))) as given,
        av.open(str(path.with_name("cover.jpg"))) as cover,
        av.open(str(path), "w") as container,
    ):
        art = container.add_stream_from_template(cover.streams.video[0])
        art.disposition = Disposition.attached_pic
        stream = container.add_stream_from_template(given.streams.video[0])
        for source, to in ((cover, art), (given, stream)):
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = to
                    container.mux(packet)
    return Shown()


def _joined(path: Path, given: dict[Path, Disposition]) -> None:
    """Puts films or pictures into one file, side by side."""
    with av.open(str(path), "w") as container:
        for one, disposition in given.items():
            with av.open(str(one)) as source:
                stream = container.add_stream_from_template(source.streams.video[0])
                stream.disposition = disposition
        for one, stream in zip(given, container.streams.video, strict=True):
            with av.open(str(one)) as source:
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.stream = stream
                        container.mux(packet)


def _preview(path: Path) -> Path:
    return write(path.with_name("small.mp4"), show=lambda t: 255 - scene(t)[::3, ::4])


@film("a.mp4", "a small preview before the film")
def _(path: Path) -> Shown:
    none = Disposition(0)
    _joined(path, {_preview(path): none, write(path.with_name("film.mp4")): none})
    return Shown(says="holds 2 films; the one of 256x192")


@film("a.mkv", "a small preview before the film, in Matroska")
def _(path: Path) -> Shown:
    default = Disposition.default
    _joined(path, {_preview(path): default, write(path.with_name("film.mp4")): default})
    return Shown(says="holds 2 films; the one of 256x192")


@film("a.mkv", "a film that is the default, beside a larger one of another angle")
def _(path: Path) -> Shown:
    large = write(path.with_name("large.mp4"), show=lambda t: 255 - scene(t).repeat(2, axis=0).repeat(2, axis=1))
    _joined(path, {large: Disposition(0), write(path.with_name("film.mp4")): Disposition.default})
    return Shown(says="holds 2 films; the one of 256x192")


@film("a.mkv", "a large picture of one frame before the film")
def _(path: Path) -> Shown:
    large = lambda t: 255 - scene(t).repeat(2, axis=0).repeat(2, axis=1)  # noqa: E731
    still = write(path.with_name("still.mp4"), show=large, times=[0.0])
    default = Disposition.default
    _joined(path, {still: default, write(path.with_name("film.mp4")): default})
    return Shown(says="holds 2 films; the one of 256x192")


plain("a.ts", "data beside the film", before=lambda container: container.add_data_stream("bin_data"))


@film("a.ts", "turned by its stream, not by its container")
def _(path: Path) -> Shown:
    write(path.with_name("film.ts"), show=lambda t: _turned(scene(t), 1))
    with av.open(str(path.with_name("film.ts"))) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        turned = BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=270", given.streams.video[0])
        for packet in given.demux(video=0):
            for written in turned.filter(packet if packet.dts is not None else None):
                written.stream = stream
                container.mux(written)
    return Shown()


@film("a.ts", "a broadcast that is joined in the midst of a group of pictures")
def _(path: Path) -> Shown:
    write(path, times=[k / 25 for k in range(24)], codec="mpeg2video", clock=25, options={"g": "8", "b": "6000000"})
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 376 // 4 * 188 :])
    return Shown(times=tuple(k / 25 + 0.32 for k in range(16)))


@film("a.ts", "the size of the picture changes in its midst")
def _(path: Path) -> Shown:
    write(path, times=_EVEN[:8])
    half = lambda t: scene(t)[::2, ::2]  # noqa: E731
    second = write(path.with_name("b.ts"), times=_EVEN[8:], show=half)
    path.write_bytes(path.read_bytes() + second.read_bytes())
    return Shown(levels=9)


@film("a.dv", "a camcorder's DV, whose lower field comes first")
def _(path: Path) -> Shown:
    big = np.ascontiguousarray(np.repeat(np.repeat(PICTURE, 3, axis=0), 3, axis=1)[:, 48:])
    shown = np.asarray(Image.fromarray(big).resize((720, 576), Image.Resampling.BICUBIC))
    write(path, codec="dvvideo", show=lambda t: shown, aspect=Fraction(16, 15))
    return Shown(picture=np.asarray(Image.fromarray(shown).resize((768, 576))), has_clock=False)


@film("a.mp4", "a download that broke off behind the index")
def _(path: Path) -> Shown:
    write(path, times=[k / 25 for k in range(100)], show=lambda t: scene(t % 0.64), options={"crf": "8", "g": "10"},
          muxing={"movflags": "+faststart"})  # fmt: skip
    cut(path, 0.6)
    return Shown(says="damaged|cut short", times=())


@film("a.mkv", "a download of Matroska that broke off")
def _(path: Path) -> Shown:
    write(path, times=[k / 25 for k in range(100)], show=lambda t: scene(t % 0.64), options={"crf": "8", "g": "10"})
    cut(path, 0.4)
    return Shown(says="damaged|cut short", times=())
