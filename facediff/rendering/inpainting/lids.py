"""Lids of eyes that are open in the source.

Carried down by a mesh, the narrow lid of an open eye is a smear of lashes over a ragged slit. Shut eyes of many people
have a mean that looks like one (``facediff.training.lids``): how light it is over the skin around. A source's own skin
gives it its colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.eye_window import (
    SIZE,
    WIDTH,
    align_eye,
    fit_light_around,
    grid,
    measure_lid_gaps,
    to_eye_widths,
)
from facediff.landmarks.light import to_levels, to_log_light
from facediff.landmarks.masks import smoothstep
from facediff.landmarks.mesh import LEFT_BROW, RIGHT_BROW
from facediff.motion.coefficients import LID_FOLDS, LOWER_LIDS
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.crops import fade_border
from facediff.types import Frame

LOWER_BROW = 5  # landmarks of a brow, the last ones, that are its lower edge


@dataclass(frozen=True)
class LidStyle:
    """How shut eyes are drawn. Lengths in eye widths.

    Set by eye on training portraits ("Lids drawn where they are lowered", November 2026); no range was swept.

    Attributes:
        shut_from: Closure from which the lid that a mesh carries gives way to one that is drawn.
        shut_at: Closure at which it has; later, what the eye shows is a ragged line of light. Fit by: eye. Seen on:
            eight training portraits. Range tried: 0.75 and 0.85.
        own: Gap between the lids of a source that shows a shut eye itself.
        none: Gap of one that shows none.
        half_width: Half of what a lid covers across.
        margin: Beyond lid folds and lower lids that it covers.
        feather: Over which it ends.
        highest: Further up, a lid is the brow's.
        hair: How much darker than the skin under the eye, in logarithms of light, the hair of a low brow is.
        hair_from: Share of the height of the lid fold from which up such hair may be a brow's.
        hair_reach: How far below the landmarks of its lower edge a brow hangs; what is dark further down are lashes.
        hair_feather: Over which a lid ends before it.
        lashes: Share of the mean darkness of lashes: many of those who are filmed have painted theirs.
        ring: Around a lid from which it has its light.
    """

    shut_from: float = 0.6
    shut_at: float = 0.75
    own: float = 0.10
    none: float = 0.15
    half_width: float = 0.54
    margin: float = 0.04
    feather: float = 0.12
    highest: float = -0.34
    hair: float = 0.5
    hair_from: float = 0.8
    hair_reach: float = 0.18
    hair_feather: float = 0.04
    lashes: float = 0.75
    ring: float = 0.14


class Lids:
    """What a picture's eyes look like when they shut.

    Args:
        frame: (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
        lid: (h, w, 3) the mean shut eye; see ``facediff.rendering.inpainting.appearance_prior``.
        style: How they are drawn.
    """

    def __init__(
        self, frame: Frame, points: NDArray[np.floating], lid: NDArray[np.float32], style: LidStyle = LidStyle()
    ) -> None:
        self._style = style
        self._missing = np.clip((measure_lid_gaps(points) - style.own) / (style.none - style.own), 0, 1)
        light = np.where(lid < 0, style.lashes * lid, lid)
        self._lids = [
            _draw_lid(frame, points, side, light, style) if self._missing[side] else None for side in range(2)
        ]

    def share(self, closure: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much of each lid (2,) is drawn at a closure (2,), from 0 to 1."""
        shut = np.clip((closure - self._style.shut_from) / (self._style.shut_at - self._style.shut_from), 0, 1)
        return np.asarray(self._missing * shut, np.float32)

    def __call__(self, frame: Frame, points: NDArray[np.floating], closure: NDArray[np.floating]) -> Frame:
        """A frame of the same face, its eyes shut where they are to be: landmarks (478, 3) in pixels, closure (2,)."""
        shut = self.share(closure)
        for side, drawn in enumerate(self._lids):
            if drawn is None or not shut[side]:
                continue
            picture, cover = drawn
            to_eye = align_eye(points, side)
            change = (float(shut[side]) * cover)[..., None] * (picture - warp_affine(frame, to_eye, SIZE))
            frame = add_window(frame, change, cv2.invertAffineTransform(to_eye))
        return frame


def _draw_lid(
    frame: Frame, points: NDArray[np.floating], side: int, lid: NDArray[np.float32], style: LidStyle
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The shut eye (H, W, 3) in levels, and how much of it is wanted where (H, W)."""
    to_eye = align_eye(points, side)
    window = warp_affine(frame, to_eye, SIZE)
    rim = np.asarray(points)[[*LID_FOLDS[side], *LOWER_LIDS[side]], :2]
    down = to_eye_widths((rim @ to_eye[:, :2].T + to_eye[:, 2]).T)[1]
    top, bottom = max(down.min() - style.margin, style.highest), down.max() + style.margin
    u, v = grid()
    half = (bottom - top) / 2
    beyond = (
        np.hypot(u / style.half_width, (v - (top + bottom) / 2) / half) - 1
    ) * half  # about how far outside, eye widths
    cover = smoothstep(1 - beyond / style.feather) * fade_border(SIZE)
    ring = (beyond > style.feather / 2) & (beyond < style.feather / 2 + style.ring)
    light = to_log_light(window)
    brow_edge = np.interp(u, *_lower_edge_of_brow(points, side, to_eye))
    lowest = np.minimum(style.hair_from * down.min(), brow_edge + style.hair_reach)
    brow = _find_brow(light, ring & (v > 0), v < lowest, v < brow_edge + style.feather / 2, style)
    shut = to_levels(fit_light_around(light - lid, ring & (brow == 0)) + lid)
    return window + heed_colours(shut - window, window), (cover * (1 - brow)).astype(np.float32)


def _find_brow(
    light: NDArray[np.floating],
    skin: NDArray[np.bool_],
    above: NDArray[np.bool_],
    within: NDArray[np.bool_],
    style: LidStyle,
) -> NDArray[np.float32]:
    """(H, W) from 0 to 1 where a low brow hangs into what a lid covers: it stays, and gives the lid no light.

    Args:
        light: Logarithms of the light of a window (H, W, 3).
        skin: (H, W) what is surely skin.
        above: (H, W) what may be a brow.
        within: (H, W) where brows begin: what is dark and does not reach there are lashes.
        style: What is hair.
    """
    grey = light.mean(axis=2)
    dark = (above & (grey < np.median(grey[skin]) - style.hair)).astype(np.uint8)
    _, pieces = cv2.connectedComponents(dark)
    hair = np.isin(pieces, np.unique(pieces[within & (dark > 0)])).astype(np.float32)
    wide = style.hair_feather * WIDTH
    grown = cv2.dilate(hair, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(wide) + 1,) * 2))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), wide / 2), np.float32)


def _lower_edge_of_brow(points: NDArray[np.floating], side: int, to_eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 5) in eye widths, rising across the window."""
    line = np.asarray(points)[(RIGHT_BROW, LEFT_BROW)[side][-LOWER_BROW:], :2]
    u, v = to_eye_widths((line @ to_eye[:, :2].T + to_eye[:, 2]).T)
    order = np.argsort(u)
    return np.stack([u[order], v[order]])
