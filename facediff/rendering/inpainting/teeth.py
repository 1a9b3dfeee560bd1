"""Teeth that a picture shows, for when its mouth opens further.

Carried by a mesh they would grow with the opening, and a denoiser of few steps paints a pale row in their place. The
upper row hangs on the skull, a lower one goes down with the lip; what a wider mouth shows beyond is the dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER, LOWER_LIP, SUBNASALE
from facediff.landmarks.push_pull import push_pull
from facediff.rendering.inpainting.window import align_mouth
from facediff.types import Frame, RigidPose


@dataclass(frozen=True)
class TeethStyle:
    """How teeth are told from lips and from the dark, and kept. Distances in eye distances.

    Set by eye on training portraits that smile, and on some of the test clips ("Teeth are told from the dark and from
    lips", November 2026); no range was swept.

    Attributes:
        lip_edge: Inside the line of the lips in which a picture still has something of them.
        rise: By which a lip may draw back and uncover more of the same.
        feather: Over which a row ends.
        light: How light teeth are at least, over the skin's light.
        pale: How far they have a colour at most, over the skin's.
        few: Share of what is seen between lips that makes no row.
        enough: Share that makes one for sure.
        skin: Rings around the lips between which there is skin.
        dark_above: Share of the gap between lips, at least, that is dark above a row of lower teeth. Where the sample
            portrait's upper teeth fill the gap, in ten variants of it, it is 0.21 at most.
    """

    lip_edge: float = 0.012
    rise: float = 0.12
    feather: float = 0.02
    light: float = 0.7
    pale: float = 0.85
    few: float = 0.1
    enough: float = 0.25
    skin: tuple[float, float] = (0.04, 0.12)
    dark_above: float = 0.3


class SourceTeeth(NamedTuple):
    """What a picture shows between its lips.

    Attributes:
        picture: (H, W, 4): colours, and from 0 to 1 where they are known.
        linear: (2, 2) from eye distances across and down the face to its pixels.
        anchor: (2,) where ``point`` is in it.
        point: The landmark that they move with, of the skull or of the lower lip.
        share: How sure it is that they are teeth, from 0 to 1.
    """

    picture: NDArray[np.float32]
    linear: NDArray[np.float32]
    anchor: NDArray[np.float32]
    point: int
    share: float


def find_source_teeth(
    image: Frame, points: NDArray[np.floating], pose: RigidPose, style: TeethStyle = TeethStyle()
) -> SourceTeeth | None:
    """The teeth between the lips of a picture; None where there are next to none.

    Args:
        image: (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
        pose: Its head pose, one row.
        style: What counts as teeth.
    """
    window = align_mouth(points, pose)
    size, unit = window.size, window.unit
    picture = window.alignment.crop(image, 0).astype(np.float32)
    between = masks.region(window.points[LIPS_INNER], size, unit) > 0.5
    inset = 2 * max(1, round(style.lip_edge * unit)) + 1
    known = cv2.erode(between.astype(np.uint8), np.ones((inset, inset), np.uint8))
    near, far = (masks.region(window.points[LIPS_OUTER], size, unit, reach=reach) for reach in style.skin)
    row = _find_row(picture, np.average(picture.reshape(-1, 3), axis=0, weights=(far - near + 1e-6).ravel()), style)
    row &= known > 0
    share = float(np.clip((row.sum() / max(known.sum(), 1) - style.few) / (style.enough - style.few), 0, 1))
    if not share:
        return None
    solid = known[..., None].astype(np.float32)
    picture = solid * picture + (1 - solid) * push_pull(picture, known)
    is_lower = _stands(row, known > 0, style)
    draws_back = np.ones((max(1, round(style.rise * unit)), 1), np.uint8)
    cover = cv2.dilate(known, draws_back, anchor=(0, len(draws_back) - 1 if is_lower else 0))
    soft = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), style.feather * unit / 2)
    point = LOWER_LIP if is_lower else SUBNASALE
    return SourceTeeth(np.dstack([picture, soft]), window.linear, window.points[point, :2], point, share)


def _find_row(picture: NDArray[np.float32], skin: NDArray[np.floating], style: TeethStyle) -> NDArray[np.bool_]:
    """Where a picture (H, W, 3) is as light and pale as teeth are, beside skin of a colour (3,)."""
    light = picture.mean(axis=2) > style.light * skin.mean()
    colour = 1 - picture.min(axis=2) / np.maximum(picture.max(axis=2), 1)
    return light & (colour < style.pale * (1 - skin.min() / skin.max()))


def _stands(row: NDArray[np.bool_], between: NDArray[np.bool_], style: TeethStyle) -> bool:
    """Whether a row of teeth (H, W) is a lower one, far from the upper lip; ``between`` is what lips leave open."""
    columns = row.any(axis=0)
    above = row[:, columns].argmax(axis=0) - between[:, columns].argmax(axis=0)
    below = row[::-1, columns].argmax(axis=0) - between[::-1, columns].argmax(axis=0)
    gap = between[:, columns].sum(axis=0)
    return bool(above.mean() > max(2 * below.mean(), style.dark_above * gap.mean()))
