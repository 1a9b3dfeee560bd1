"""Films in codes and kinds of pixels that phones and cameras write, made of any picture."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}  # by H.273's matrix
RGB_TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087

RGB_TO_P3 = np.array([[0.8225, 0.1774, 0], [0.0332, 0.9669, 0], [0.0171, 0.0724, 0.9108]])


def linear(srgb: np.ndarray) -> np.ndarray:
    codes = srgb / 255.0
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def levels(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pq(nits: np.ndarray) -> np.ndarray:
    power = (nits / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(nits: np.ndarray) -> np.ndarray:
    """Of a screen of 1000 nits, BT.2100: the system gamma undone, then the camera's curve."""
    luminance = (nits @ [0.2627, 0.6780, 0.0593] / 1000)[..., None]
    scene = nits / 1000 * np.maximum(luminance, 1e-9) ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def planes(codes: np.ndarray, pixel_format: str, matrix: int, is_full: bool) -> av.VideoFrame:
    """A frame of RGB codes (H, W, 3), 0 to 1, in yuv of 8 to 12 bits."""
    kr, kb = KR_KB[matrix]
    luma = codes @ [kr, 1 - kr - kb, kb]
    chroma = [(codes[..., 2] - luma) / (2 - 2 * kb), (codes[..., 0] - luma) / (2 - 2 * kr)]
    bits = next((n for n in (10, 12) if f"p{n}" in pixel_format), 8)
    scale, kind = 2 ** (bits - 8), np.uint8 if bits == 8 else np.uint16
    ranges = (
        ((2**bits - 1, 0), (2**bits - 1, 128 * scale))
        if is_full
        else ((219 * scale, 16 * scale), (224 * scale, 128 * scale))
    )
    if "420" in pixel_format or "422" in pixel_format:
        chroma = [(c[:, ::2] + c[:, 1::2]) / 2 for c in chroma]
    if "420" in pixel_format:
        chroma = [(c[::2] + c[1::2]) / 2 for c in chroma]
    frame = av.VideoFrame(codes.shape[1], codes.shape[0], pixel_format)
    for plane, values, (gain, offset) in zip(
        frame.planes, [luma, *chroma], (ranges[0], ranges[1], ranges[1]), strict=False
    ):
        rows = np.zeros((values.shape[0], plane.line_size // kind().itemsize), kind)
        rows[:, : values.shape[1]] = (values * gain + offset).round().clip(0, 2**bits - 1)
        plane.update(rows.tobytes())
    return frame


def write(
    path: Path, codes: np.ndarray, codec: str, pixel_format: str, tags: tuple[int, int, int],
    *, is_full: bool = False, params: str = "", matrix: int | None = None, frames: int = 3,
) -> Path:  # fmt: skip
    """A film of RGB codes, tagged with primaries, transfer and matrix as H.273 counts them."""
    matrix = tags[2] if matrix is None else matrix
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *codes.shape[:2], pixel_format
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = tags
        context.color_range = 2 if is_full else 1
        if codec == "libx265":
            stream.options = {"crf": "4", "x265-params": f"log-level=none:{params}"}
        elif codec == "libsvtav1":
            stream.options = {"crf": "8", "preset": "10"}
        elif codec == "libx264":
            stream.options = {"crf": "1"}
        for k in range(frames):
            frame = planes(codes, pixel_format, matrix, is_full)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            frame.color_primaries, frame.color_trc, frame.colorspace = tags  # where ProRes takes them from
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def insert(path: Path, content: bytes, *, name: bytes = b"hvc1") -> Path:
    """A film of HEVC in mp4 with a box more in its sample entry, and the entry under a name; moov comes last."""
    data, entry = bytearray(path.read_bytes()), b"hev1"  # as PyAV writes it
    at = data.index(entry, data.index(b"stsd"))
    for box in (entry, b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        start = data.rindex(box, 0, at + 4) - 4
        data[start : start + 4] = struct.pack(">I", struct.unpack(">I", data[start : start + 4])[0] + len(content))
    data[at : at + 4] = name
    end = at - 4 + struct.unpack(">I", data[at - 4 : at])[0] - len(content)
    data[end:end] = content
    path.write_bytes(data)
    return path


def dolby_vision(profile: int, compatible: int, name: bytes = b"dvcC") -> bytes:
    """The box of Dolby's configuration."""
    fields = bytes([1, 0]) + struct.pack(">H", profile << 9 | 6 << 3 | 0b101) + bytes([compatible << 4]) + bytes(19)
    return struct.pack(">I4s", 8 + len(fields), name) + fields
