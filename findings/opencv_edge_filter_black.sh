#!/usr/bin/env bash
# Guess:  cv2.edgePreservingFilter with NORMCONV_FILTER and its own sigma_s = 60, of the documented 0 to 200, smooths a
#         picture of any size as it does a large one; smooth skin stays nearly as it is.
# True:   where a row or column is so short and smooth that it fits into the filter's window, of 91 pixels with that
#         sigma_s, it comes back 0: a painted face (no noise) on a crop of 64x64 is black all over, without a word, and
#         cv2.stylization, which uses the filter, does the same. RECURS_FILTER is right, and so is 128x128.
#         Seen with opencv-python-headless 5.0.0.93, and by hand with 4.11.0.86.
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 numpy==2.2.6 </dev/null
"$work/venv/bin/python" - <<'PY'
import sys

import cv2
import numpy as np

print("OpenCV", cv2.__version__, "| numpy", np.__version__)

WAYS = {
    "NORMCONV_FILTER": lambda picture: cv2.edgePreservingFilter(picture, flags=cv2.NORMCONV_FILTER),
    "RECURS_FILTER": lambda picture: cv2.edgePreservingFilter(picture, flags=cv2.RECURS_FILTER),
    "stylization": cv2.stylization,
}


def skin(side: int) -> np.ndarray:
    """Skin that grows lighter by 30 of 255 from top left to bottom right."""
    ramp = np.add.outer(np.arange(side), np.arange(side)) / (2 * side - 2)
    return (np.array([120, 150, 200]) + 30 * ramp[..., None]).round().astype(np.uint8)


def face(side: int) -> np.ndarray:
    picture = skin(side)
    for x in (side // 2 - 14, side // 2 + 14):
        cv2.circle(picture, (x, side // 3), 5, (30, 30, 40), -1, cv2.LINE_AA)
    return cv2.ellipse(picture, (side // 2, 2 * side // 3), (12, 5), 0, 0, 360, (60, 50, 160), -1, cv2.LINE_AA)


black = {}
for side in (64, 128):
    for make in (skin, face):
        for name, way in WAYS.items():
            share = (way(make(side)).max(axis=-1) == 0).mean()
            black[side, make.__name__, name] = share
            print(f"{side}x{side} {make.__name__:5} {name:16} {share:7.1%} of the pixels are black")
wrong = {key for key, share in black.items() if share > 0.9}
so = wrong == {(64, what, name) for what in ("skin", "face") for name in ("NORMCONV_FILTER", "stylization")}
print("still so" if so else "no longer so")
sys.exit(0 if so else 1)
PY
