#!/usr/bin/env bash
# Guess:  imageio's PyAV plugin, imread(film, index=k), gives the frame that is the k-th when the film is read from its
#         start, in any container that it opens; at most slowly.
# True:   in Matroska with 30 frames a second (time stamps of whole milliseconds) it gives frame k + 1 for whole groups
#         of pictures, and past the end where the last of such a group is asked for; in MPEG-TS, whose first time stamp
#         is not 0, most k give another frame, up to 7 later here. Without a word; the same frames in MP4 are right.
#         Seen with imageio 2.38.1 and PyAV 18.1.0 on x86-64; who pairs frames of a face with sound or landmarks by
#         their number gets pairs that do not belong together.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check imageio==2.38.1 av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - "$work" <<'PY'
import sys
from fractions import Fraction

import av
import imageio
import imageio.v3 as iio
import numpy as np

FRAMES, BITS = 100, 7
print("imageio", imageio.__version__, "| PyAV", av.__version__, "| FFmpeg", av.ffmpeg_version_info)


def told(picture: np.ndarray) -> int:
    """The number that a frame bears as white and black bars."""
    return sum(int(picture[:, 16 * bit + 4 : 16 * bit + 12].mean() > 128) << bit for bit in range(BITS))


def steps_beside(kind: str, options: dict[str, str]) -> list[int]:
    """How far from frame k the frame is that index=k gives, for each k that gives one."""
    path = f"{sys.argv[1]}/film.{kind}"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 16 * BITS, 64, "yuv420p"
        for k in range(FRAMES):
            bars = np.repeat([255 * (k >> bit & 1) for bit in range(BITS)], 16).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.tile(bars[None, :, None], (64, 1, 3)), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [told(picture) for picture in iio.imiter(path, plugin="pyav")] == list(range(FRAMES))
    found = []
    for k in range(FRAMES - 12):  # asked for later ones it may run past the end of the film
        found.append(told(iio.imread(path, index=k, plugin="pyav")) - k)
    return found


beside = {kind: steps_beside(kind, {"g": "12"} if kind == "ts" else {}) for kind in ("mp4", "mkv", "ts")}
for kind, found in beside.items():
    print(f"{kind}: {np.count_nonzero(found)} of {len(found)} are another frame, up to {max(found)} later")
so = not any(beside["mp4"]) and np.count_nonzero(beside["mkv"]) > 10 and np.count_nonzero(beside["ts"]) > 50
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
