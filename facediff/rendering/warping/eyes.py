"""Irises that look elsewhere: a mesh carries lids and leaves what is between them, so eyes are turned behind it.

An iris is carried as it is, over the white, which is made up where the iris was. What lids hid of both is as round as
the rest: of each ring around the iris, what is seen beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from facediff.types import Frame


@dataclass(frozen=True, kw_only=True)
class EyeStyle:
    """How eyes are turned. Set by eye on training portraits that look aside; no range was swept.

    Attributes:
        firm: Radii of the iris up to which it is carried.
        give: Radii over which it goes over into the white after that.
        fade: Radii over which white that is made up goes over into what is there.
        shade: How light white is of which nothing is seen, beside what is seen of it.
        inside: Pixels from the lids' edge from which the picture is eye and not lid, in radii.
        beside: Sine of the angle from straight across up to which a ring around the iris tells what is hidden of it.
        edge: Radii from the lids' edge over which the picture goes over into what is beside.
        round: Radii up to which that is so, and from which it no longer is.
        limbus: Radii, as landmarks have them, between which an iris ends.
        least_rise: Levels a pixel by which it grows lighter there, at least.
        least_px: Movement that is worth it.
        open_px: Height of the opening from which there is something to be seen in it.
    """

    firm: float = 1.08
    give: float = 0.25
    fade: float = 0.6
    shade: float = 0.72
    inside: float = 0.1
    beside: float = 0.75
    edge: float = 0.3
    round: tuple[float, float] = (1.2, 1.7)
    limbus: tuple[float, float] = (0.8, 1.5)
    least_rise: float = 3.0
    least_px: float = 0.05
    open_px: float = 2.0


STYLE = EyeStyle()
LEAST_WHITE = 6  # pixels that tell how white is
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
    reach = np.linalg.norm(moved) + 4  # what is carried into the opening comes from no farther
    size = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(rim.min(axis=0) - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(rim.max(axis=0) + reach), low + 1, size).astype(int)
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    x, y = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
    opening = _fill(rim - low, x.shape)
    inside = cv2.erode(opening, np.ones((3, 3), np.uint8), iterations=max(1, round(style.inside * radius))) > 0
    if not inside.any():
        return picture
    window = picture[box]
    away = np.hypot(x - before[0], y - before[1])
    beside = inside & (np.abs(y - before[1]) <= style.beside * away)
    if not beside.any():
        return picture
    rings = _measure_rings(window[beside], away[beside], float(away.max()))
    radius = _find_limbus(rings, radius, style)
    eye = _complete(window, inside, away, rings, radius, style)
    white = _uncover(eye, beside, away, x - before[0], radius, style)
    edge = style.firm * radius
    iris = cv2.remap(
        eye, (x - low[0] - moved[0]).astype(np.float32), (y - low[1] - moved[1]).astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    share = _ease((edge + style.give * radius - np.hypot(x - after[0], y - after[1])) / (style.give * radius))
    turned = white + share[..., None] * (iris - white)
    cover = cv2.GaussianBlur(opening.astype(np.float32), (0, 0), max(0.6, 0.08 * radius))
    cover = np.clip(2 * cover - 1, 0, 1)[..., None]
    out = picture.copy()
    out[box] = np.rint(picture[box] + cover * (turned - picture[box].astype(np.float32))).astype(np.uint8)
    return out


def _ease(share: NDArray[np.floating]) -> NDArray[np.float32]:
    share = np.clip(share, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _uncover(
    eye: NDArray[np.float32],
    beside: NDArray[np.bool_],
    away: NDArray[np.float32],
    right: NDArray[np.float32],
    radius: float,
    style: EyeStyle,
) -> NDArray[np.float32]:
    """The eye (h, w, 3) without its iris: white goes over from what is left of it to what is right of it.

    A side of which hardly anything is seen, or only a corner, is as the other one, in some shade.
    """
    ring = beside & (away > style.firm * radius) & (away < style.round[1] * radius)
    sides = [_find_white(eye[ring & (right * sign > 0)]) for sign in (-1, 1)]
    best = max((one for one in sides if one is not None), key=np.mean, default=None)
    if best is None:
        return eye
    shaded = style.shade * best
    ends = [shaded if one is None or one.mean() < shaded.mean() else one for one in sides]
    across = np.clip(right / (2 * style.firm * radius) + 0.5, 0, 1)[..., None]
    white = ends[0] + across * (ends[1] - ends[0])
    covered = _ease(1 - (away - style.firm * radius) / (style.fade * radius))
    return (eye + covered[..., None] * (white - eye)).astype(np.float32)


def _find_white(pixels: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The colour (3,) of the lighter half of some pixels (N, 3); None of a few."""
    if len(pixels) < LEAST_WHITE:
        return None
    light = pixels.mean(axis=1)
    return np.median(pixels[light >= np.median(light)], axis=0)


def _fill(rim: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(rim * 16).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    return mask


def _complete(
    window: Frame,
    inside: NDArray[np.bool_],
    away: NDArray[np.float32],
    rings: NDArray[np.float32],
    radius: float,
    style: EyeStyle,
) -> NDArray[np.float32]:
    """The eye (h, w, 3) as it would be without lids: an iris is round, so what they hide is as what lies beside it.

    The picture goes over into that before it ends, for lashes and their shadow lie over the edge of an eye. Away from
    the iris, where corners are, the white goes on as it ends.
    """
    at = np.arange(len(rings), dtype=np.float32)
    whole = np.stack([np.interp(away, at, channel) for channel in rings.T], axis=-1)
    whole *= 1 - (1 - style.shade) * _ease((away - radius) / (style.fade * radius))[..., None]
    deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5) / max(style.edge * radius, 1.0)
    near = np.clip((style.round[1] * radius - away) / ((style.round[1] - style.round[0]) * radius), 0, 1)
    share = (near * np.clip(1 - deep, 0, 1))[..., None]
    spread = cv2.inpaint(window, (~inside).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return (spread + share * (whole - spread)).astype(np.float32)


def _measure_rings(pixels: NDArray[np.uint8], away: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
    """Colours (R, 3) of rings a pixel apart, by what is seen of them; others are as the nearest ones.

    Somewhat below the median counts: glints, and white that lies in a ring which is not quite in the middle, are light.
    """
    place = np.rint(away).astype(int)
    order = np.argsort(place, kind="stable")
    known, starts = np.unique(place[order], return_index=True)
    colours = np.array([np.percentile(ring, 40, axis=0) for ring in np.split(pixels[order], starts[1:])])
    rings = np.arange(int(np.ceil(reach)) + 1)
    found = np.stack([np.interp(rings, known, channel) for channel in colours.T], axis=1)
    return gaussian_filter1d(found, 0.7, axis=0, mode="nearest").astype(np.float32)


def _find_limbus(rings: NDArray[np.float32], radius: float, style: EyeStyle) -> float:
    """Where an iris ends and the white begins, in pixels: where rings grow lighter the most, if they do.

    Readers of landmarks take all irises for about as large, and those of drawn faces are larger.
    """
    light = rings.mean(axis=1)
    start, stop = (round(share * radius) for share in style.limbus)
    rise = np.gradient(light)[start : stop + 1]
    return radius if rise.size < 3 or rise.max() < style.least_rise else float(start + rise.argmax())
