"""ICC profiles, written tag by tag (ICC.1:2004), of colour spaces that cameras and presses use."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
XY = {  # of red, green and blue; the white of all is D65
    "P3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "Adobe": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
    "sRGB": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
}
WHITE = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])


def to_xyz(space: str) -> np.ndarray:
    """Linear RGB to XYZ under D65."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in XY[space]]).T
    return columns * np.linalg.solve(columns, WHITE)


def assemble(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, content, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(content), len(data))
        content += data
    header = struct.pack(">I4sI4s4s4s", at + len(content), b"none", 0x02400000, kind, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + numbers(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def numbers(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def described(text: bytes) -> dict[bytes, bytes]:
    desc = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
    return {b"desc": desc, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": b"XYZ " + bytes(4) + numbers(*D50)}


def gamma(exponent: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(exponent * 256))


def rgb_profile(space: str, exponent: float = 2.2, name: bytes = b"of a camera") -> bytes:
    source = BRADFORD @ WHITE
    adapted = np.linalg.inv(BRADFORD) @ np.diag(BRADFORD @ np.array(D50) / source) @ BRADFORD @ to_xyz(space)
    tags = described(name)
    for k, letter in enumerate("rgb"):
        tags[f"{letter}XYZ".encode()] = b"XYZ " + bytes(4) + numbers(*adapted[:, k])
        tags[f"{letter}TRC".encode()] = gamma(exponent)
    return assemble(b"RGB ", b"mntr", b"XYZ ", tags)


def grey_profile(exponent: float) -> bytes:
    return assemble(b"GRAY", b"mntr", b"XYZ ", described(b"of grey") | {b"kTRC": gamma(exponent)})


def cmyk_profile(corners: Sequence[tuple[float, float, float]]) -> bytes:
    """Of a press by the Lab values of its 16 full overprints, C changing slowest and K fastest."""
    table = bytes(round(v) for l, a, b in corners for v in (l * 2.55, a + 128, b + 128))  # noqa: E741
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + numbers(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp * 4 + table + ramp * 3
    return assemble(b"CMYK", b"prtr", b"Lab ", described(b"of a press") | {b"A2B0": lut})


def seen_in_srgb(codes: np.ndarray, space: str, exponent: float) -> np.ndarray:
    """What codes (..., 3) of an RGB space are in sRGB, by the textbook, in levels of 255."""
    linear = (codes / 255.0) ** exponent @ (np.linalg.inv(to_xyz("sRGB")) @ to_xyz(space)).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
