#!/usr/bin/env bash
# Guess:  packets of Live Link Face that PyLiveLinkFace encodes bear the time of day in frames, as those of the app on
#         the telephone do: at 60 frames a second the clock's time at encode() to a frame or two; with fps=30 the packet
#         says 30/1 frames a second.
# True:   it writes the milliseconds where a time code has its frames. Within each second the stamps wander by nearly
#         a second to and fro and run backwards every few packets, so who plays or records a face by them gets it out of
#         step and out of order. The rate is written as 30/0, and for fps=120 as 120/2, which is 60. All without a word.
#         Seen with PyLiveLinkFace 0.1 and timecode 1.5.1.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check PyLiveLinkFace==0.1 timecode==1.5.1 </dev/null
"$work/venv/bin/python" - <<'PY'
import struct
import sys
import time
from datetime import datetime
from importlib.metadata import version

from pylivelinkface import PyLiveLinkFace

print("PyLiveLinkFace", version("PyLiveLinkFace"), "| timecode", version("timecode"))


def stamped(face: PyLiveLinkFace) -> tuple[int, int, int]:
    """The packet's frame number, and its rate as numerator and denominator, read by the layout of the format."""
    packet = face.encode()
    name_at = 4 + 37  # after the version and the device's identity
    end = name_at + 4 + struct.unpack_from("!i", packet, name_at)[0]
    frame, _, rate, over = struct.unpack_from("!ifii", packet, end)
    return frame, rate, over


face, late, frames = PyLiveLinkFace(fps=60), [], []
for _ in range(60):
    now = datetime.now()
    seconds = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    frames.append(stamped(face)[0])
    late.append(frames[-1] / 60 - seconds)
    time.sleep(0.025)
back = sum(after < before for before, after in zip(frames, frames[1:]))
print(f"in 1.5 s of packets 25 ms apart: {min(late):+.2f} to {max(late):+.2f} s beside the clock, {back} steps back")
rates = {fps: stamped(PyLiveLinkFace(fps=fps))[1:] for fps in (30, 60, 120)}
print("rates written:", {fps: f"{rate}/{over}" for fps, (rate, over) in rates.items()})
so = max(late) - min(late) > 0.4 and back >= 5 and rates == {30: (30, 0), 60: (60, 1), 120: (120, 2)}
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
