#!/usr/bin/env bash
# Guess:  FFmpeg's filters for clearer speech (afftdn against noise, dialoguenhance, superequalizer) give each sound at
#         the time that its stamp says, as dynaudnorm and afwtdn do, though all five look ahead: what a filter holds
#         back it takes off the time stamps, and gives the rest at the end.
# True:   the three give all sound late under unchanged stamps: afftdn by 25 ms, dialoguenhance by 32 ms (at 16 kHz by
#         96 ms), superequalizer by 85 ms at 48 kHz and by 256 ms at 16 kHz, a quarter of a second. No more samples come
#         out than went in, so as much is missing at the end, perhaps the last syllable. Without a word, and with no
#         option like alimiter's latency=1. Sound thus cleaned for a film of a face comes after its lips.
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


def late_by(name: str, rate: int) -> tuple[int, int]:
    """Samples by which a soft burst at 1 s comes late by the time stamps, and samples more than went in."""
    clock = Fraction(1, rate)
    time = np.arange(2 * rate) / rate
    burst = (0.5 * np.sin(2 * np.pi * 500 * time) * np.exp(-(((time - 1) / 0.02) ** 2))).astype(np.float32)
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=clock)
    as_before = graph.add("aformat", f"sample_fmts=fltp:sample_rates={rate}:channel_layouts=mono")
    graph.link_nodes(source, graph.add(name), as_before, graph.add("abuffersink")).configure()
    heard = np.zeros(3 * rate)
    count = 0
    for start in range(0, len(burst) + 1024, 1024):
        if start < len(burst):
            frame = av.AudioFrame.from_ndarray(burst[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, clock
            graph.push(frame)
        else:
            graph.push(None)
        while True:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                break
            at = round(frame.time * rate)
            heard[at : at + frame.samples] = frame.to_ndarray()[0]
            count += frame.samples
    match = np.correlate(heard[rate // 2 : 2 * rate], burst[rate - rate // 10 : rate + rate // 10])
    return int(np.argmax(match)) - (rate // 2 - rate // 10), count - len(burst)


found = {}
for name in ("dynaudnorm", "afwtdn", "afftdn", "dialoguenhance", "superequalizer"):
    for rate in (48000, 16000):
        late, more = found[name, rate] = late_by(name, rate)
        print(f"{name:14} at {rate} Hz: {1000 * late / rate:5.1f} ms late, {more:+d} samples")
so = all(found[name, rate] == (0, 0) for name in ("dynaudnorm", "afwtdn") for rate in (48000, 16000))
so &= found["afftdn", 48000] == (1200, 0) and found["dialoguenhance", 48000][0] > 1440
so &= found["superequalizer", 16000][0] > 4000
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
