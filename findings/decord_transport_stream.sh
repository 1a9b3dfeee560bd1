#!/usr/bin/env bash
# Guess:  frames of an MPEG-TS that decord reads are those of the film, in order: the first is the first, and a frame is
#         the same whether it is asked for after the one before it or after the one behind it, as in MP4.
# True:   of a film of 75 frames with a keyframe every 12 and B frames, as cameras and broadcasts have them, the first
#         twelve cannot be had: number 0 is the thirteenth frame. len() is 75 nevertheless: the last thirteen numbers are
#         the last frame, or, read backwards, one or another before it. Nothing is raised.
#         The same stream in MP4 is read right.
#         Seen with decord 0.6.0 on x86-64; who trains lips on recorded streams pairs them with another moment's sound.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check decord==0.6.0 av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - "$work" 2>/dev/null <<'PY'
import platform
import sys
from fractions import Fraction

import av
import decord
import numpy as np

print("Python", platform.python_version(), "| decord", decord.__version__, "| PyAV", av.__version__)
COUNT, STEP, DARKEST = 75, 3, 20


def write(path: str) -> None:
    """A film that becomes lighter by three levels a frame."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "12", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for k in range(COUNT):
            frame = av.VideoFrame.from_ndarray(np.full((96, 128, 3), DARKEST + STEP * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def number(frame) -> int:
    """Which frame of the film a picture is, by how light it is."""
    return round((float(frame.asnumpy().mean()) - DARKEST) / STEP)


found = {}
for kind in ("mp4", "ts"):
    path = f"{sys.argv[1]}/film.{kind}"
    write(path)
    with av.open(path) as container:
        there = sum(1 for _ in container.decode(video=0))
    film = decord.VideoReader(path)
    forward = [number(film[k]) for k in range(len(film))]
    backward = [number(film[k]) for k in reversed(range(len(film)))][::-1]
    found[kind] = there, len(film), forward, backward
    print(f"{kind}: {there} frames by PyAV, {len(film)} by decord")
    print("   forwards ", *forward[:4], "...", *forward[-16:])
    print("   backwards", *backward[:4], "...", *backward[-16:])
right = list(range(COUNT))
as_told = found["mp4"] == (COUNT, COUNT, right, right)
there, length, forward, backward = found["ts"]
as_told &= (there, length) == (COUNT, COUNT) and forward[0] == 12 and 0 not in forward + backward and forward != backward
sys.exit(not as_told)
PY
