#!/usr/bin/env bash
# Guess:  captions in WebVTT whose words have times of their own, as players light words up by and as automatic captions
#         of videos have them, keep their words where pysubs2 reads them or makes SRT of them; the times are left out.
# True:   each such cue is empty, and there are two of it: one from its begin to its end, another from the first word's
#         time to the second's. Cues without such times keep their words, with other tags, too. Nothing is raised; made
#         into SRT, all words that were timed are gone. webvtt-py and pycaption read the same file whole.
#         Seen with pysubs2 1.8.1 on Python 3.11; who captions talking heads word by word meets it.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysubs2==1.8.1 webvtt-py==0.6.0 pycaption==2.3.14 </dev/null
"$work/venv/bin/python" - "$work" <<'PY'
import platform
import sys
from importlib.metadata import version

import pysubs2
import webvtt
from pycaption import SRTWriter, WebVTTReader

print("Python", platform.python_version(), "|", *(f"{one} {version(one)}" for one in ("pysubs2", "webvtt-py", "pycaption")))
CAPTIONS = """WEBVTT

00:00:00.500 --> 00:00:02.000
Good <00:00:00.900>morning, <00:00:01.400>all.

00:00:02.000 --> 00:00:03.000
<b>Nothing</b> is timed here.
"""
path = f"{sys.argv[1]}/captions.vtt"
with open(path, "w", encoding="utf-8") as file:
    file.write(CAPTIONS)
read = [(event.start, event.end, event.plaintext) for event in pysubs2.load(path)]
others = [caption.text for caption in webvtt.read(path)]
third = SRTWriter().write(WebVTTReader().read(CAPTIONS))
print("pysubs2: ", read)
print("webvtt-py:", others)
print("pycaption:", [line for line in third.splitlines() if "here" in line or "Good" in line])
empty = [(500, 2000, ""), (900, 1400, ""), (2000, 3000, "Nothing is timed here.")]
whole = others == ["Good morning, all.", "Nothing is timed here."] and "Good morning, all." in third
sys.exit(read != empty or not whole)
PY
