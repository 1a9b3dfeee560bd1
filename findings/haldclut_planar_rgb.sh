#!/usr/bin/env bash
# Guess:  FFmpeg's haldclut applies one and the same Hald table alike whether picture and table are packed (rgb48le) or
#         planar (gbrp16le); the identity table changes nothing.
# True:   with planar pixels the channels are mixed up: the identity table turns (R, G, B) into (G, B, R), without a
#         word. Packed pixels are right, and so is lut3d with the same table in either.
#         Seen with PyAV 18.1.0 (FFmpeg 8.1) on x86-64, and by hand with 13.1.0 (FFmpeg 7.0); who grades films of faces
#         by a table, or maps HDR to SDR by one, in planar pixels gets skin of another colour.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6 </dev/null
WORK="$work" "$work/venv/bin/python" - <<'PY'
import os
import platform
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

print("Python", platform.python_version(), "| PyAV", av.__version__, "| avfilter", av.library_versions["libavfilter"])

NODES, CLOCK = 16, Fraction(1, 25)
steps = np.arange(NODES) / (NODES - 1)
blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest, as Hald tables have it
identity = np.stack([red, green, blue], axis=-1)
skin = np.broadcast_to(np.array([0.8, 0.6, 0.4]), (32, 32, 3))


def of(values: np.ndarray, pixel_format: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray((values * 65535).round().astype(np.uint16), format=pixel_format)
    frame.pts, frame.time_base = 0, CLOCK
    return frame


def shown(pixel_format: str, name: str) -> np.ndarray:
    graph, kind = av.filter.Graph(), av.VideoFormat(pixel_format)
    picture, sink = graph.add_buffer(width=32, height=32, format=kind, time_base=CLOCK), graph.add("buffersink")
    if name == "lut3d":
        path = Path(os.environ["WORK"], "identity.cube")
        np.savetxt(path, identity.reshape(-1, 3), fmt="%.6f", header=f"LUT_3D_SIZE {NODES}", comments="")
        graph.link_nodes(picture, graph.add("lut3d", file=str(path)), sink)
        graph.configure()
    else:
        table, look_up = graph.add_buffer(width=64, height=64, format=kind, time_base=CLOCK), graph.add("haldclut")
        picture.link_to(look_up, 0, 0)
        table.link_to(look_up, 0, 1)
        look_up.link_to(sink)
        graph.configure()
        table.push(of(identity.reshape(64, 64, 3), pixel_format))
        table.push(None)
    picture.push(of(skin, pixel_format))
    return sink.pull().to_ndarray()[16, 16] / 65535


seen = {}
for name in ("haldclut", "lut3d"):
    for pixel_format in ("rgb48le", "gbrp16le"):
        seen[name, pixel_format] = shown(pixel_format, name)
        print(f"{name:9} {pixel_format:9} turns (0.8, 0.6, 0.4) into", seen[name, pixel_format].round(3))
still_so = np.allclose(seen["haldclut", "gbrp16le"], (0.6, 0.4, 0.8), atol=0.01) and all(
    np.allclose(value, (0.8, 0.6, 0.4), atol=0.01) for key, value in seen.items() if key != ("haldclut", "gbrp16le")
)
print("still so" if still_so else "no longer so")
sys.exit(0 if still_so else 1)
PY
