#!/usr/bin/env bash
# Guess:  a sound that is resampled chunk by chunk by samplerate's Resampler, with end_of_input at the last chunk, comes
#         out whole: as long as by resample() in one go, or else what is left comes with a further call.
# True:   its end is lost. Of a second of speech from 16 to 48 kHz, 432 samples (9 ms) with sinc_best and 60 with
#         sinc_fastest, and further calls, with nothing to put in and end_of_input again, give none. What came before is
#         the same to the bit. Silence pushed behind the sound brings them out.
#         Seen with samplerate 0.2.4 (libsamplerate) on x86-64; voice agents that bring speech to 48 kHz in packets of
#         20 ms lose the end of each utterance.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check samplerate==0.2.4 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - <<'PY'
import platform
import sys

import numpy as np
import samplerate

print("Python", platform.python_version(), "| samplerate", samplerate.__version__)
RATIO, PACKET = 3.0, 320
sound = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
as_guessed = False
for kind, lost in (("sinc_best", 432), ("sinc_fastest", 60)):
    whole = samplerate.resample(sound, RATIO, kind)
    stream, parts = samplerate.Resampler(kind), []
    for start in range(0, len(sound), PACKET):
        is_last = start + PACKET >= len(sound)
        parts.append(stream.process(sound[start : start + PACKET], RATIO, end_of_input=is_last))
    more = [len(stream.process(np.zeros(0, np.float32), RATIO, end_of_input=True)) for _ in range(3)]
    made = np.concatenate(parts)
    same = np.array_equal(made, whole[: len(made)])
    print(f"{kind}: {len(whole)} at once, {len(made)} in packets, then {more}; the same as far as they go: {same}")
    as_guessed |= len(whole) - len(made) != lost or any(more) or not same
sys.exit(as_guessed)
PY
