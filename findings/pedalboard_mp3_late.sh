#!/usr/bin/env bash
# Guess:  speech written as MP3 and read back by pedalboard's AudioFile begins where it began and is as long as it was,
#         as with libsndfile (soundfile) and FFmpeg (PyAV): the encoder notes in the file what it put before and after.
# True:   pedalboard gives the padding with the sound: everything comes 1105 samples late, 46 ms at 24 kHz (the rate of
#         much synthetic speech), 69 ms at 16 kHz, more than a frame of the film, and silence is left at the end; its
#         own files too, and the count of frames agrees with itself. Lips set by it lag behind the same MP3 played.
#         Seen with pedalboard 0.9.26, soundfile 0.14.0, PyAV 18.1.0 on x86-64.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pedalboard==0.9.26 soundfile==0.14.0 av==18.1.0 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - <<'PY'
import io
import sys

import av
import numpy as np
import pedalboard
import soundfile
from pedalboard.io import AudioFile

print("pedalboard", pedalboard.__version__, "| soundfile", soundfile.__version__, "| PyAV", av.__version__)


def by_pedalboard(file: io.BytesIO) -> np.ndarray:
    with AudioFile(file) as sound:
        return sound.read(sound.frames)[0]


def by_soundfile(file: io.BytesIO) -> np.ndarray:
    return soundfile.read(file, dtype="float32")[0]


def by_pyav(file: io.BytesIO) -> np.ndarray:
    with av.open(file) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


so = True
for rate in (16000, 24000, 44100):
    time = np.arange(2 * rate) / rate
    burst = (0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-(((time - 1) / 0.01) ** 2))).astype(np.float32)
    files = {"soundfile": io.BytesIO(), "pedalboard": io.BytesIO()}
    soundfile.write(files["soundfile"], burst, rate, format="MP3")
    with AudioFile(files["pedalboard"], "w", samplerate=rate, num_channels=1, format="mp3") as sound:
        sound.write(burst)
    for writer, file in files.items():
        late, longer = {}, {}
        for read in (by_pedalboard, by_soundfile, by_pyav):
            heard = read(io.BytesIO(file.getvalue())).astype(float)
            padded = np.pad(heard, (0, 4096))[: len(burst) + 4096]
            match = np.correlate(padded[rate - 2048 : rate + 4096], burst[rate - 1024 : rate + 1024])
            late[read], longer[read] = int(np.argmax(match)) - 1024, len(heard) - len(burst)
        print(f"{rate} Hz, MP3 by {writer}:", *(f"{r.__name__} {late[r]} late, {longer[r]} longer;" for r in late))
        so &= late == {by_pedalboard: 1105, by_soundfile: 0, by_pyav: 0} and longer[by_pedalboard] > 1105
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
