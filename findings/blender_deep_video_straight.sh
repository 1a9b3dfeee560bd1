#!/usr/bin/env bash
# Guess:  Blender's video editor lays a ProRes 4444 whose opacity is not multiplied into its colours over what is below as
#         it does a film of 8 bits, and its strip's setting "Straight" or "Premultiplied" says which of both a film is.
# True:   Blender 5.0.1 takes every film of more than 8 bits a channel for premultiplied: half-transparent white over black
#         is white, so soft edges get a light seam, and both settings give the same picture. The same frame in 8 bits is
#         right. (Debian's Blender 3.4.1 is right with both.) Seen with bpy 5.0.1 and PyAV 18.1.0, Python 3.11, x86-64; who
#         delivers ProRes to it delivers a folder of PNG or a webm beside it.
# Exit:   0 while it is so, 1 where it no longer is. Downloads 0.4 GB and asks for Python 3.11, which bpy 5.0 is made for.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check bpy==5.0.1 av==18.1.0 </dev/null
"$work/venv/bin/python" - "$work" 2>/dev/null <<'PY'
import sys
from fractions import Fraction
from pathlib import Path

import av
import bpy
import numpy as np

print("Blender", bpy.app.version_string, "| PyAV", av.__version__)
SIDE, FRAMES, HALF = 128, 5, 128
work = Path(sys.argv[1])


def write(path: Path, codec: str, pix_fmt: str, options: dict[str, str]) -> None:
    """White of half opacity."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width = stream.height = SIDE
        stream.pix_fmt, stream.time_base = pix_fmt, Fraction(1, 25)
        for place in range(FRAMES):
            picture = np.full((SIDE, SIDE, 4), 255, np.uint8)
            picture[..., 3] = HALF
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pix_fmt)
            frame.pts, frame.time_base = place, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def lay_over_black(path: Path, mode: str) -> float:
    """The middle of the third frame, 0 to 255."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.resolution_percentage, scene.render.fps = 100, 25
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.sequence_editor_create()
    strips = scene.sequence_editor.strips
    strips.new_effect("below", "COLOR", 1, frame_start=1, length=FRAMES).color = (0, 0, 0)
    strip = strips.new_movie("film", str(path), 2, 1)
    strip.blend_type, strip.alpha_mode = "ALPHA_OVER", mode
    scene.frame_set(3)
    scene.render.filepath = str(work / "shown.png")
    bpy.ops.render.render(write_still=True)
    with av.open(str(work / "shown.png")) as shown:
        return float(next(shown.decode(video=0)).to_ndarray(format="gray")[SIDE // 2, SIDE // 2])


write(work / "deep.mov", "prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"})
write(work / "eight.mov", "png", "rgba", {})
deep = {mode: lay_over_black(work / "deep.mov", mode) for mode in ("STRAIGHT", "PREMUL")}
eight = lay_over_black(work / "eight.mov", "STRAIGHT")
print("white of half opacity over black, 128 is right: ProRes 4444", deep, "| 8 bits", eight)
still_so = min(deep.values()) > 240 and abs(eight - HALF) < 6
print("still so" if still_so else "CHANGED")
sys.exit(0 if still_so else 1)
PY
