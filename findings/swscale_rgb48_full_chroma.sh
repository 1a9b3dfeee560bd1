#!/usr/bin/env bash
# Guess:  FFmpeg's scaler turns 10-bit YUV into 16-bit RGB (rgb48le) with flags=accurate_rnd+full_chroma_int+area as
#         rightly as into 8-bit RGB with the same flags; flags choose quality, not whether colours are right.
# True:   with full_chroma_int and area or bilinear, yuv420p10le -> rgb48le gives wrong colours (a mean error of over 20
#         of 255 on a plain ramp), without a word; rgb24, gbrp16le and bicubic are right.
#         Seen with PyAV 18.1.0 (FFmpeg 8.1, swscale 9.5) on x86-64; who reads HDR films of faces into 16 bits meets it.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - <<'PY'
import platform
import sys
from fractions import Fraction

import av
import numpy as np

print("Python", platform.python_version(), "| PyAV", av.__version__, "| swscale", av.library_versions["libswscale"])

SIDE = 256
x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
planes = (64 + 876 * x, 470 + 80 * y[::2, ::2], 560 - 80 * y[::2, ::2])  # a ramp of greys, slightly tinted
frame = av.VideoFrame(SIDE, SIDE, "yuv420p10le")
for plane, values in zip(frame.planes, planes):
    rows = np.zeros((len(values), plane.line_size // 2), np.uint16)
    rows[:, : values.shape[1]] = values.round()
    plane.update(rows.tobytes())


def converted(pixel_format: str, flags: str) -> np.ndarray:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=SIDE, height=SIDE, format=frame.format, time_base=Fraction(1, 25))
    scale = graph.add("scale", f"flags={flags}:in_color_matrix=bt709:in_range=tv")
    graph.link_nodes(source, scale, graph.add("format", pixel_format), graph.add("buffersink")).configure()
    graph.vpush(frame)
    pixels = graph.vpull().to_ndarray().astype(float)
    return pixels / (1 if pixel_format == "rgb24" else 256)


errors = {}
for kind in ("area", "bilinear", "bicubic"):
    flags = f"accurate_rnd+full_chroma_int+{kind}"
    right = converted("rgb24", flags)
    for pixel_format in ("gbrp16le", "rgb48le"):
        errors[kind, pixel_format] = np.abs(converted(pixel_format, flags) - right).mean()
        print(f"{flags:42} {pixel_format:9} differs from rgb24 by {errors[kind, pixel_format]:7.2f} of 255 on the mean")
still_so = errors["area", "rgb48le"] > 10 and errors["bilinear", "rgb48le"] > 10 and errors["area", "gbrp16le"] < 2
print("still so" if still_so else "no longer so")
sys.exit(0 if still_so else 1)
PY
