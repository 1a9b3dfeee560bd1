#!/usr/bin/env bash
# Guess: a codec in OutputContainer.supported_codecs of a .mov can be muxed into it.
# True of PyAV 18.1.0 (FFmpeg 8.1): it lists opus and flac for mov, whose header then refuses both with EINVAL when the
# first packet comes; mp4 takes them. vorbis, which it does not list for mov, is refused early. Only trying tells.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q av==18.1.0 numpy==1.26.4
"$work/venv/bin/python" - <<'PY'
import io

import av
import numpy as np

print("av", av.__version__, "libavformat", av.library_versions["libavformat"])
seen = {}
for kind in ("mp4", "mov"):
    for encoder, codec in (("aac", "aac"), ("alac", "alac"), ("libopus", "opus"), ("flac", "flac")):
        with av.open(io.BytesIO(), "w", format="matroska") as maker:
            stream = maker.add_stream(encoder, rate=48000, layout="stereo")
            stream.codec_context.open()
            with av.open(io.BytesIO(), "w", format=kind) as target:
                listed, refusal = codec in target.supported_codecs, None
                copy = target.add_stream_from_template(stream)
                try:
                    target.start_encoding()
                except av.FFmpegError as error:
                    refusal = type(error).__name__
        seen[kind, codec] = (listed, refusal is None)
        print(f"{codec} in {kind}: listed {listed}, header {refusal or 'written'}")
wrong = sorted(key for key, (listed, held) in seen.items() if listed and not held)
raise SystemExit(wrong != [("mov", "flac"), ("mov", "opus")])
PY
