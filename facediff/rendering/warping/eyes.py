"""Irises that look elsewhere: a mesh carries lids and leaves what is between them, so eyes are turned behind it.

An iris is carried as it is, the white beside it is pressed together on one side and drawn out on the other, and what
lids hid of the iris is its own mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from facediff.types import Frame


@dataclass(frozen=True, kw_only=True)
class EyeStyle:
    """How eyes are turned. Set by eye on training portraits that look aside; no range was swept.

    Attributes:
        firm: Radii of the iris within which everything moves alike.
        give: Over how many times the movement, at least, it ends; below 1 pictures would fold.
        least_give: The same in radii.
        inside: Pixels from the lids' edge from which the picture is eye and not lid, in radii.
        least_px: Movement that is worth it.
        open_px: Height of the opening from which there is something to be seen in it.
    """

    firm: float = 1.12
    give: float = 1.9
    least_give: float = 0.5
    inside: float = 0.1
    least_px: float = 0.05
    open_px: float = 2.0


STYLE = EyeStyle()
_EYES = ((RIGHT_EYE, RIGHT_IRIS), (LEFT_EYE, LEFT_IRIS))


def turn_eyes(
    picture: Frame, points: NDArray[np.floating], shown: NDArray[np.floating], style: EyeStyle = STYLE
) -> Frame:
    """A picture (H, W, 3) whose irises are carried to where they are wanted.

    Args:
        picture: Of the face.
        points: Landmarks (478, 3) wanted, in its pixels.
        shown: The same, with irises where the picture has them.
        style: How it is done.
    """
    for eye, iris in _EYES:
        rim = np.asarray(points[eye, :2], np.float64)
        before, after = (np.asarray(where[iris[0], :2], np.float64) for where in (shown, points))
        radius = float(np.linalg.norm(points[iris[1:], :2] - points[iris[0], :2], axis=1).mean())
        height = cv2.contourArea(rim.astype(np.float32)) / max(float(np.ptp(rim[:, 0])), 1.0)
        if np.linalg.norm(after - before) >= style.least_px and height >= style.open_px and radius > 1:
            picture = _turn(picture, rim, before, after, radius, style)
    return picture


def _turn(
    picture: Frame,
    rim: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    radius: float,
    style: EyeStyle,
) -> Frame:
    moved = after - before
    reach = 2 * radius + np.linalg.norm(moved) + 4
    size = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(rim.min(axis=0) - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(rim.max(axis=0) + reach), low + 1, size).astype(int)
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    x, y = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
    opening = _fill(rim - low, x.shape)
    inside = cv2.erode(opening, np.ones((3, 3), np.uint8), iterations=max(1, round(style.inside * radius))) > 0
    if not inside.any():
        return picture
    eye = _complete(picture[box], inside, before - low, radius)
    off = np.hypot(x - after[0], y - after[1]) - style.firm * radius
    give = max(style.give * float(np.linalg.norm(moved)), style.least_give * radius)
    share = np.clip(1 - off / give, 0, 1)
    share = share * share * (3 - 2 * share)
    from_x, from_y = (x - low[0] - share * moved[0], y - low[1] - share * moved[1])
    turned = cv2.remap(eye, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    cover = cv2.GaussianBlur(opening.astype(np.float32), (0, 0), max(0.6, 0.08 * radius))
    cover = np.clip(2 * cover - 1, 0, 1)[..., None]
    out = picture.copy()
    out[box] = np.rint(picture[box] + cover * (turned - picture[box].astype(np.float32))).astype(np.uint8)
    return out


def _fill(rim: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(rim * 16).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    return mask


def _complete(
    window: Frame, inside: NDArray[np.bool_], centre: NDArray[np.float64], radius: float
) -> NDArray[np.float32]:
    """The eye (h, w, 3) as it would be without lids: what they hide of the iris is mirrored, the white goes on."""
    eye = cv2.inpaint(window, (~inside).astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32)
    y, x = np.mgrid[0 : window.shape[0], 0 : window.shape[1]].astype(np.float32)
    hidden = ~inside & (np.hypot(x - centre[0], y - centre[1]) < 1.1 * radius)
    seen = inside.astype(np.float32)
    for flip in ((1, -1), (-1, 1), (-1, -1)):  # upside down first: lids hide tops and bottoms
        across, down = (
            (centre[k] + sign * (where - centre[k])).astype(np.float32)
            for k, (sign, where) in enumerate(zip(flip, (x, y), strict=True))
        )
        usable = hidden & (cv2.remap(seen, across, down, cv2.INTER_NEAREST) > 0)
        mirrored = cv2.remap(eye, across, down, cv2.INTER_LINEAR)
        eye[usable] = mirrored[usable]
        hidden &= ~usable
    return eye
