"""Lids of eyes that are open in the source.

Carried down by a mesh, the narrow lid of an open eye is a smear of lashes over a ragged slit. Shut eyes of many people
have a mean that looks like one (``facediff.training.lids``): how light it is over the skin around. A source's own skin
gives it its colour.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.eye_window import (
    SIZE,
    align_eye,
    fit_light_around,
    grid,
    measure_lid_gaps,
    to_eye_widths,
)
from facediff.landmarks.light import to_levels, to_log_light
from facediff.landmarks.masks import smoothstep
from facediff.motion.coefficients import LID_FOLDS, LOWER_LIDS
from facediff.rendering.compose import add_window
from facediff.rendering.crops import border_fade
from facediff.system.weights import model_folder
from facediff.types import Frame

SHUT_FROM, SHUT_AT = 0.6, 0.85  # closures between which the lid that a mesh carries gives way
OWN, NONE = 0.10, 0.15  # gaps between lids, in eye widths, of a source that shows a shut eye, and that shows none
HALF_WIDTH, MARGIN, FEATHER = 0.54, 0.04, 0.12  # eye widths: what a lid covers, and how it ends
HIGHEST = -0.34  # eye widths: further up a lid is the brow's
LASHES = 0.75  # of their mean darkness: many of those who are filmed have painted theirs
RING = 0.14  # eye widths around a lid from which it has its light


@cache
def lid() -> NDArray[np.float32]:
    """(H, W, 3) logarithm of a shut eye's light over that of the skin around, in the window of an eye."""
    light = load_file(model_folder("base", "unseen") / "lid.safetensors")["light"].astype(np.float32)
    return np.where(light < 0, LASHES * light, light)


class Lids:
    """What a picture's eyes look like when they shut.

    Args:
        frame: (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
    """

    def __init__(self, frame: Frame, points: NDArray[np.floating]) -> None:
        self._missing = np.clip((measure_lid_gaps(points) - OWN) / (NONE - OWN), 0, 1)
        self._drawn = [_drawn(frame, points, side) if self._missing[side] else None for side in range(2)]

    def share(self, closure: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much of each lid (2,) is drawn at a closure (2,), from 0 to 1."""
        shut = np.clip((closure - SHUT_FROM) / (SHUT_AT - SHUT_FROM), 0, 1)
        return np.asarray(self._missing * shut, np.float32)

    def __call__(self, frame: Frame, points: NDArray[np.floating], closure: NDArray[np.floating]) -> Frame:
        """A frame of the same face, its eyes shut where they are to be: landmarks (478, 3) in pixels, closure (2,)."""
        shut = self.share(closure)
        for side, drawn in enumerate(self._drawn):
            if drawn is None or not shut[side]:
                continue
            picture, cover = drawn
            to_eye = align_eye(points, side)
            change = (float(shut[side]) * cover)[..., None] * (picture - warp_affine(frame, to_eye, SIZE))
            frame = add_window(frame, change, cv2.invertAffineTransform(to_eye))
        return frame


def _drawn(frame: Frame, points: NDArray[np.floating], side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The shut eye (H, W, 3) in levels, and how much of it is wanted where (H, W)."""
    to_eye = align_eye(points, side)
    window = warp_affine(frame, to_eye, SIZE)
    rim = np.asarray(points)[[*LID_FOLDS[side], *LOWER_LIDS[side]], :2]
    down = to_eye_widths((rim @ to_eye[:, :2].T + to_eye[:, 2]).T)[1]
    top, bottom = max(down.min() - MARGIN, HIGHEST), down.max() + MARGIN
    u, v = grid()
    half = (bottom - top) / 2
    beyond = (np.hypot(u / HALF_WIDTH, (v - (top + bottom) / 2) / half) - 1) * half  # about how far outside, eye widths
    cover = smoothstep(1 - beyond / FEATHER) * border_fade(SIZE)
    ring = (beyond > FEATHER / 2) & (beyond < FEATHER / 2 + RING)
    return to_levels(fit_light_around(to_log_light(window) - lid(), ring) + lid()), cover.astype(np.float32)
