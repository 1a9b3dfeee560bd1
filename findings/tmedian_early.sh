#!/usr/bin/env bash
# Guess:  FFmpeg's tmedian with radius r gives at each time the median of the frames round that time, r before and r
#         after, as the radius of any other median does; a film that grows brighter steadily stays as it is.
# True:   the frame stamped t is the median of the frames t to t + 2r, thus the picture of t + r: all that moves comes r
#         frames early (200 ms with r=5 at 25 a second), mouths before their sound, and the last 2r stamps are missing.
#         Without a word. tmix, its neighbour, looks the other way and comes late; atadenoise is centred.
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
FRAMES, CLOCK = 40, Fraction(1, 25)


def film(name: str, options: str) -> tuple[set[int], int]:
    """How many frames later than its stamp says a frame's picture is, and how many frames come."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=64, format=av.VideoFormat("gray"), time_base=CLOCK)
    graph.link_nodes(source, graph.add(name, options), graph.add("buffersink")).configure()
    pulled = []

    def pull() -> None:
        while True:
            try:
                pulled.append(graph.vpull())
            except (av.BlockingIOError, av.EOFError):
                return

    for k in range(FRAMES):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64), 6 * k, np.uint8), format="gray")
        frame.pts, frame.time_base, frame.duration = k, CLOCK, 1
        graph.vpush(frame)
        pull()
    graph.vpush(None)
    pull()
    middle = [frame for frame in pulled if 10 <= frame.time * 25 < FRAMES - 10]
    return {round(frame.to_ndarray().mean() / 6 - frame.time * 25) for frame in middle}, len(pulled)


found = {}
for name, options in (("tmedian", "radius=1"), ("tmedian", "radius=2"), ("tmedian", "radius=5"), ("atadenoise", "s=5")):
    found[name, options] = film(name, options)
    print(f"{name}={options}: pictures {found[name, options][0]} frames early, {found[name, options][1]} of {FRAMES}")
so = all(found["tmedian", f"radius={r}"] == ({r}, FRAMES - 2 * r) for r in (1, 2, 5))
so &= found["atadenoise", "s=5"] == ({0}, FRAMES)
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
