#!/usr/bin/env bash
# Guess:  Pillow's own scalable font, ImageFont.load_default(size), has the letters of European languages in Latin script,
#         if neither Greek nor Cyrillic: it is Aileron, a font of over 300 glyphs, and names itself so.
# True:   what Pillow carries of it is cut down to ASCII: a German umlaut is drawn as the box of a missing letter, without a
#         word, and who draws labels with it gets boxes in nearly all languages of Europe.
#         Seen with Pillow 12.3.0.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==12.3.0 </dev/null
"$work/venv/bin/python" - <<'PY'
import sys

import PIL
from PIL import ImageFont

font = ImageFont.load_default(40)
print("Pillow", PIL.__version__, "|", *font.getname())


def drawn(text):
    return bytes(font.getmask(text)), font.getbbox(text)


box = drawn("\uffff")
letters = {letter: drawn(letter) != box for letter in "Az~ÄéñøßęğőΑЖ生"}
print({letter: "drawn" if is_there else "a box" for letter, is_there in letters.items()})
sys.exit([letter for letter, is_there in letters.items() if is_there] != list("Az~"))
PY
