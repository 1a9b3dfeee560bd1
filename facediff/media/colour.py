"""Conversion between the colours of a file and RGB. Knows no file.

The short way, ``frame.to_ndarray(format="rgb24")``, makes a picture 1.2 levels (of 255) darker at every pass, since it
rounds down. Here numbers are rounded to the nearest, so that a pixel nobody touched comes back as it was: decoding,
converting to RGB and back, and decoding again gives more than 50 dB of PSNR before compression.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.filter.context import FilterContext

from facediff.media.tone_mapping import Light, cube
from facediff.types import Frame

_MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}  # ITU-T H.273
_UNTAGGED = "bt601"  # what swscale, and so nearly every tool, takes a file to mean that does not say
_FULL_RANGE, _BT2020 = 2, 9
_EXACT = (
    "accurate_rnd+full_chroma_int+area"  # area: means of chroma, no ringing; bicubic gains 0.2 dB at thrice the time
)


class Converter:
    """Turns frames into another pixel format and size; frames may change their kind on the way.

    Args:
        size: Width and height that come out.
        pixel_format: FFmpeg's name of what comes out, ``rgb24`` or ``yuv420p``.
        matrix: Of yuv that comes out, ``bt601`` or ``bt709``.
    """

    def __init__(self, size: tuple[int, int], pixel_format: str, matrix: str = _UNTAGGED) -> None:
        self._size, self._format, self._matrix, self._untagged = size, pixel_format, matrix, _UNTAGGED
        self._kind: tuple[object, ...] = ()
        self._graph: av.filter.Graph | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame in the wanted format; yuv is of video range."""
        kind = (frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range))
        if self._graph is None or kind != self._kind:
            self._kind, self._graph = kind, self._build(frame)
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _build(self, frame: av.VideoFrame) -> av.filter.Graph:
        options = f"w={self._size[0]}:h={self._size[1]}:flags={_EXACT}"
        if frame.format.is_rgb:
            options += f":out_color_matrix={self._matrix}:out_range=tv"
        else:
            is_full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
            matrix = _MATRICES.get(int(frame.colorspace), self._untagged)
            options += f":in_color_matrix={matrix}:in_range={'pc' if is_full else 'tv'}"
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, 1000),  # time stamps play no part here
        )
        self._link(graph, source, graph.add("scale", options))
        return graph

    def _link(self, graph: av.filter.Graph, source: FilterContext, scale: FilterContext) -> None:
        graph.link_nodes(source, scale, graph.add("format", self._format), graph.add("buffersink"))
        graph.configure()


class RgbConverter(Converter):
    """Turns decoded frames into RGB of sRGB, or RGBA, with 16 bits a channel where they are not for a usual screen.

    Args:
        size: Width and height that come out.
        light: What their codes mean; None where they are usual ones.
        has_alpha: Whether they are transparent.
    """

    def __init__(self, size: tuple[int, int], light: Light | None = None, has_alpha: bool = False) -> None:
        names = ("rgb24", "rgb48le", "rgba", "rgba64le")
        super().__init__(size, names[2 * has_alpha + (light is not None)])
        self._light, self._planes = light, "gbrap16le" if has_alpha else "gbrp16le"
        if light is not None and light.primaries == _BT2020:
            self._untagged = _MATRICES[_BT2020]

    def _link(self, graph: av.filter.Graph, source: FilterContext, scale: FilterContext) -> None:
        if self._light is None:
            super()._link(graph, source, scale)
            return
        # By way of planes, since swscale's way from yuv to packed 16 bits garbles colours with these flags.
        planes, packed = graph.add("format", self._planes), graph.add("scale", "flags=neighbor")
        with TemporaryDirectory() as folder:  # FFmpeg takes tables of colours from files only
            path = Path(folder) / "light.cube"
            path.write_bytes(cube(self._light))
            table, end = graph.add("lut3d", file=str(path)), graph.add("format", self._format)
            graph.link_nodes(source, scale, planes, table, packed, end, graph.add("buffersink"))
            graph.configure()


def to_rgb(converter: RgbConverter, frame: av.VideoFrame) -> Frame:
    """RGB (H, W, 3) uint8 of a decoded frame, transparency over white."""
    pixels = converter(frame).to_ndarray()
    if pixels.dtype == np.uint16:
        pixels = np.ascontiguousarray(pixels.astype("<u2", copy=False).view(np.uint8)[..., 1::2])  # the high bytes
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:].astype(np.uint16)
        return ((pixels[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    return pixels.astype(np.uint8, copy=False)


def from_rgb(converter: Converter, frame: Frame) -> av.VideoFrame:
    """A frame for the encoder of RGB (H, W, 3) uint8, or RGBA (H, W, 4), by a converter to what it takes."""
    kind = "rgb24" if frame.shape[2] == 3 else "rgba"
    return converter(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=kind))
