"""A HEIC file, written box by box (ISO/IEC 14496-12 and 23008-12): what is installed reads HEIC and writes none."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# Nothing to reorder: no packet's time stamp is left to the turn of a thread.
X265 = "log-level=none:bframes=0:frame-threads=1:pools=none"


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def coded(picture: np.ndarray, folder: Path) -> tuple[bytes, bytes]:
    """The decoder's configuration (hvcC) and the sample of one HEVC frame, in BT.601 of video range."""
    path = folder / "frame.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"crf": "4", "x265-params": X265})
        stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with av.open(str(path)) as container:
        return bytes(container.streams.video[0].codec_context.extradata), bytes(next(container.demux(video=0)))


def write_heic(path: Path, picture: np.ndarray, *, turns: int = 0, profile: bytes = b"", nclx: tuple = ()) -> Path:
    """A HEIC of a picture, to be turned by quarters counter-clockwise, with an ICC profile or colour tags."""
    config, sample = coded(picture, path.parent)
    properties = [box(b"hvcC", config), full(b"ispe", struct.pack(">II", picture.shape[1], picture.shape[0]))]
    if profile:
        properties.append(box(b"colr", b"prof", profile))
    if nclx:
        properties.append(box(b"colr", b"nclx", struct.pack(">HHHB", *nclx, 0)))
    if turns:
        properties.append(box(b"irot", bytes([turns])))
    ties = bytes([len(properties), *(0x80 | k for k in range(1, len(properties) + 1))])
    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(at: int) -> bytes:
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", b"\x44\x00", struct.pack(">HHHHII", 1, 1, 0, 1, at, len(sample))),
            full(b"iinf", struct.pack(">H", 1), full(b"infe", struct.pack(">HH", 1, 0), b"hvc1\0", version=2)),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">IH", 1, 1), ties)),
        )

    offset = len(start) + len(meta(0)) + 8
    path.write_bytes(start + meta(offset) + box(b"mdat", sample))
    return path
