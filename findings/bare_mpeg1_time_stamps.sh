#!/usr/bin/env bash
# Guess:  frames of a bare stream of MPEG-1 (no B frames, 25 a second) that FFmpeg decodes have time stamps 40 ms apart,
#         from the first on, as those of a bare stream of MPEG-4 have.
# True:   one step, near the start, is 80 ms: all that follow are stamped 40 ms too late, and who places frames by their
#         time stamps shows one of them twice. Bare MPEG-4 is even.
#         Seen with PyAV 18.1.0 (FFmpeg 8.1) on x86-64; who reads bare camera streams of faces meets it.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - "$work" <<'PY'
import platform
import sys
from fractions import Fraction

import av
import numpy as np

print("Python", platform.python_version(), "| PyAV", av.__version__, "| FFmpeg", av.ffmpeg_version_info)


def steps(codec: str, kind: str) -> list[int]:
    """Milliseconds from each frame to the next."""
    path = f"{sys.argv[1]}/film.{kind}"
    with av.open(path, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for k in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((96, 128, 3), 20 * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(path) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    return [round(1000 * (after - before)) for before, after in zip(times, times[1:])]


found = {codec: steps(codec, kind) for codec, kind in (("mpeg1video", "mpeg1video"), ("mpeg4", "m4v"))}
for codec, apart in found.items():
    print(codec, apart)
so = sorted(found["mpeg1video"]) == [40] * 10 + [80] and found["mpeg4"] == [40] * 11
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
