#!/usr/bin/env bash
# Guess:  FFmpeg's deflicker evens out brightness over a window of frames (size=5 unless told); frames all alike stay as
#         they are, be there many or fewer than the window holds.
# True:   a film shorter than the window is darkened by the frames that it lacks, as if those were black: one frame of
#         grey 128 comes out at 25 or so, four at 102 to 51; with size=50 a film of a second at 25 frames is dark to the
#         end and gets darker. Without a word; from size frames on it is right. Who cuts a clip of a face into short
#         pieces and evens each out sees them go dark.
#         Seen with PyAV 18.1.0 (FFmpeg 8.1) on x86-64.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - <<'PY'
import sys
from fractions import Fraction

import av
import numpy as np

print("PyAV", av.__version__, "| FFmpeg", av.ffmpeg_version_info)
GREY, CLOCK = 128, Fraction(1, 25)


def evened(frames: int, size: int) -> list[int]:
    """The grey of each frame that deflicker gives for so many frames of one and the same grey."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=64, format=av.VideoFormat("gray"), time_base=CLOCK)
    graph.link_nodes(source, graph.add("deflicker", f"size={size}"), graph.add("buffersink")).configure()
    for k in range(frames):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64), GREY, np.uint8), format="gray")
        frame.pts, frame.time_base = k, CLOCK
        graph.vpush(frame)
    graph.vpush(None)
    return [int(graph.vpull().to_ndarray().mean()) for _ in range(frames)]


found = {(frames, size): evened(frames, size) for frames, size in ((1, 5), (4, 5), (5, 5), (12, 5), (25, 50), (75, 50))}
for (frames, size), greys in found.items():
    print(f"size={size}, {frames} frames of grey {GREY}: from {greys[0]} to {greys[-1]}")
short = [max(greys) for (frames, size), greys in found.items() if frames < size]
whole = [set(greys) for (frames, size), greys in found.items() if frames >= size]
so = max(short) < 0.9 * GREY and all(greys == {GREY} for greys in whole)
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
