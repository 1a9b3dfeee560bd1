#!/usr/bin/env bash
# Guess:  colour primaries, transfer and matrix that are set on the codec context of prores_ks are in the file wherever a
#         player may look for them.
# True:   the container's colr atom has them. The header of each ProRes frame (SMPTE RDD 36) has the matrix alone:
#         primaries and transfer are 2, "unspecified", unless each frame that is encoded is tagged as well. Nothing is said.
#         Seen with PyAV 18.1.0 on x86-64; who delivers ProRes for an editor tags the frames, too.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - "$work" 2>/dev/null <<'PY'
import platform
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

print("Python", platform.python_version(), "| PyAV", av.__version__)
BT709, UNSPECIFIED = 1, 2


def write(path: Path, tag_frames: bool) -> None:
    """Three grey frames, coded as BT.709."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=25, options={"profile": "4444", "vendor": "apl0"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv444p10le"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        for k in range(3):
            grey = av.VideoFrame.from_ndarray(np.full((96, 128, 3), 90 + k, np.uint8), format="rgb24")
            frame = grey.reformat(format="yuv444p10le", dst_colorspace="ITU709")
            frame.pts, frame.time_base, frame.colorspace = k, Fraction(1, 25), BT709
            if tag_frames:
                frame.color_primaries = frame.color_trc = BT709
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def tags(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Primaries, transfer and matrix of the colr atom, and of the first frame's header (SMPTE RDD 36, 5.1.1)."""
    data = path.read_bytes()
    atom, frame = data.index(b"colrnclc") + 8, data.index(b"icpf") + 4
    in_file = tuple(int.from_bytes(data[atom + k : atom + k + 2], "big") for k in (0, 2, 4))
    return in_file, tuple(data[frame + 14 : frame + 17])


found = {}
for name, tag_frames in (("context", False), ("context and frames", True)):
    path = Path(sys.argv[1]) / "grey.mov"
    write(path, tag_frames)
    found[name] = tags(path)
    print(f"tagged on the {name}: colr {found[name][0]}, frame header {found[name][1]}")
as_told = found["context"] == ((BT709,) * 3, (UNSPECIFIED, UNSPECIFIED, BT709))
as_told &= found["context and frames"] == ((BT709,) * 3, (BT709,) * 3)
sys.exit(not as_told)
PY
