"""What is between lips that were closed in the source: upper teeth, a tongue, and the dark behind them.

From closed lips a denoiser of few steps paints about the mean of all mouths: a mist of the colour of lips, in which a
mouth does not look open. But laid over one another, tooth upon tooth, many people's teeth have a mean that is sharp
(``facediff.training.teeth``). It is put where the skull holds it, and lips that part uncover it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align, warp_affine
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.motion import lip_opening
from facediff.rendering.compose import add_window
from facediff.rendering.shot import Shot, in_crop
from facediff.types import Frame
from facediff.weights import model_folder

CLOSED, PARTED = 0.03, 0.07  # opening of lips, in eye distances, that shows nothing and enough
SHOWING, TOUCHING, AJAR = 0.03, 0.022, 0.038  # openings that show teeth, that are shut, and that are not yet
LINE, LINE_DARK = 0.009, 0.5  # of the shadow where lips meet: half its width in eye distances, and how dark it is
LIP_FROM, LIP_FADE, CORNER = 0.028, 0.012, 0.04  # eye distances from that line, and from the corners of the mouth
FEATHER = 0.018  # eye distances over which lips hide what is behind them
FINEST, COARSEST, FINENESS = 240, 96, 48  # pixels to an eye distance in which mouths are drawn, and their steps
WINDOW, ABOVE = (0.96, 0.72), 0.26  # eye distances of the part of a face that is drawn, and above its anchor
GLANCE = 4  # pixels of which one is enough to tell colours
EDGE_BELOW = 0.02  # eye distances by which incisors of a mouth at rest reach below the line where the lips meet
SUBNASALE, UPPER_LIP = 2, 13
SHADE = np.array([0.2, 0.13, 0.13], np.float32)  # light behind lips, over their own
TONGUE = np.array([0.62, 0.5, 0.52], np.float32)  # likewise, of a tongue
TONGUE_FROM, TONGUE_AT = 0.06, 0.2  # openings that show nothing of a tongue, and all
LIT = (0.6, 62.0)  # light on teeth, of skin's and besides, in levels
TINT = 0.4  # how far the light has the hue of skin
UNDER_LIP, SHADOW = 0.04, 0.45  # eye distances below the upper lip that lie in its shadow, and what that takes


@dataclass(frozen=True)
class Teeth:
    """The mean upper teeth.

    Attributes:
        picture: (H, W, 4): colour over the light on them, and how little of the dark is seen past them.
        unit_px: Its pixels to an eye distance.
        edge_row: Its row at which the incisors end; their middle is in the middle column.
    """

    picture: NDArray[np.float32]
    unit_px: float
    edge_row: float


@cache
def teeth() -> Teeth:
    """What ``facediff train unseen`` fitted on the training portraits."""
    held = load_file(model_folder("base", "unseen") / "teeth.safetensors")
    return Teeth(held["picture"].astype(np.float32), float(held["unit_px"]), float(held["edge_row"]))


def unseen(lack: float, shown: float) -> float:
    """How little is known of what is between lips, from 0 to 1.

    Args:
        lack: How much of it the frame lacks, see ``facediff.rendering.shot.Shot``.
        shown: How far the lips are apart, in eye distances, where the source or its reference shows them widest.
    """
    return lack * float(np.clip((PARTED - shown) / (PARTED - CLOSED), 0, 1))


def shutting(shot: Shot) -> float:
    """How much lips shut on teeth that the source shows, from 0 to 1."""
    if shot.origin is None:
        return 0.0
    shown, wanted = lip_opening(np.stack([shot.origin, shot.points])) / shot.pose.scale[0]
    return float(np.clip((shown - SHOWING) / SHOWING, 0, 1) * np.clip((AJAR - wanted) / (AJAR - TOUCHING), 0, 1))


def filled(frame: Frame, shot: Shot) -> Frame:
    """A painted frame with what nobody has seen drawn between its lips, or with teeth shut away behind them.

    The frame itself where lips show what the source does.
    """
    shut = shutting(shot)
    if not shot.unseen and not shut:
        return frame
    unit = float(np.clip(FINENESS * np.ceil(shot.pose.scale[0] / FINENESS), COARSEST, FINEST))
    size = (round(WINDOW[0] * unit), round(WINDOW[1] * unit))
    template = replace(MOUTH, size=size, unit_px=unit, anchor_px=(size[0] / 2, ABOVE * unit))
    alignment = align(shot.pose, template)
    points = in_crop(shot.points, alignment, shot.pose, template)
    linear = alignment.matrices[0, :, :2] @ (shot.pose.rotation[0, :2, :2] * shot.pose.scale[0])
    window = alignment.crop(frame, 0).astype(np.float32)
    made = shot.unseen * (inside(window, points, linear, resting(shot)) - window) if shot.unseen else 0
    change = made + shut * (closed(window, points, unit) - window)
    return add_window(frame, change, alignment.inverses[0])


def resting(shot: Shot) -> float:
    """How far below the nose the lips of a shot's source meet, in eye distances."""
    points = shot.points if shot.origin is None else shot.origin
    along = np.linalg.solve(shot.pose.rotation[0, :2, :2], (points[UPPER_LIP] - points[SUBNASALE])[:2])
    return float(along[1] / shot.pose.scale[0])


def inside(
    window: NDArray[np.float32], points: NDArray[np.floating], linear: NDArray[np.floating], rest: float
) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with the inside of a mouth drawn between the lips.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        linear: (2, 2) from eye distances across and down the face to pixels.
        rest: See ``resting``.
    """
    size = window.shape[1], window.shape[0]
    unit = float(np.sqrt(abs(np.linalg.det(linear))))
    between = masks.region(points[LIPS_INNER], size, unit, feather=FEATHER)
    of_lips, of_skin = _colours(window[::GLANCE, ::GLANCE], points / GLANCE, unit / GLANCE)
    hidden, shown = _lines(points, size)
    down = np.arange(size[1], dtype=np.float32)[:, None]
    below = (down - hidden) / unit  # the upper lip
    depth = np.clip((down - hidden) / np.maximum(shown - hidden, 1.0), 0, 1)
    made = _behind(of_lips, depth, points, unit)
    edge = points[SUBNASALE, :2] + linear @ np.array([0.0, rest + EDGE_BELOW])
    plate, to_window = teeth(), linear / teeth().unit_px
    origin = np.array([(plate.picture.shape[1] - 1) / 2, plate.edge_row])
    placed = warp_affine(plate.picture, np.column_stack([to_window, edge - to_window @ origin]), size)
    colour, solid = np.split(placed, [3], axis=2)
    light = (LIT[0] * of_skin.mean() + LIT[1]) * (of_skin / of_skin.mean()) ** TINT
    shadow = 1 - SHADOW * (1 - _smooth(below / UNDER_LIP))
    made += solid * (light.astype(np.float32) * shadow[..., None] * colour - made)
    return window + between[..., None] * (made - window)


def closed(window: NDArray[np.float32], points: NDArray[np.floating], unit: float) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with the line where lips meet drawn over what a mesh has pressed into it.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        unit: Its pixels to an eye distance.
    """
    height, width = window.shape[:2]
    hidden, shown = _lines(points, (width, height))
    line = (hidden + shown) / 2
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    off = (y - line) / unit
    reach = (shown - hidden) / (2 * unit) + LIP_FROM
    upper, lower = (
        cv2.remap(window, x, np.broadcast_to(line + side * reach * unit, x.shape).astype(np.float32), cv2.INTER_LINEAR)
        for side in (-1, 1)
    )
    share = np.clip(off / (2 * reach) + 0.5, 0, 1)[..., None]
    lips = upper + share * (lower - upper)
    made = lips * (1 - LINE_DARK * np.exp(-((off / LINE) ** 2)))[..., None]
    corners = np.clip(np.minimum(x - points[78, 0], points[308, 0] - x) / (CORNER * unit), 0, 1)
    cover = corners * _smooth((reach + LIP_FADE - np.abs(off)) / LIP_FADE)
    return window + cover[..., None] * (made - window)


def _colours(
    window: NDArray[np.float32], points: NDArray[np.floating], unit: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean colours (3,) of the lips and of the skin around them."""
    size = window.shape[1], window.shape[0]
    outer, near, far = (masks.region(points[LIPS_OUTER], size, unit, reach=reach) for reach in (0.0, 0.04, 0.12))
    lips = np.clip(outer - masks.region(points[LIPS_INNER], size, unit), 0, 1)
    of_lips, of_skin = (
        np.tensordot(where, window, 2) / max(float(where.sum()), 1e-6) for where in (lips + 1e-6, far - near + 1e-6)
    )
    return of_lips.astype(np.float32), of_skin.astype(np.float32)


def _lines(points: NDArray[np.floating], size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows (W,) at which the upper lip ends and the lower one begins."""
    x = np.arange(size[0], dtype=np.float32)
    lower, upper = points[LIPS_INNER[:11], :2], points[np.roll(LIPS_INNER, -10)[10::-1], :2]
    return np.interp(x, *upper.T).astype(np.float32), np.interp(x, *lower.T).astype(np.float32)


def _behind(
    of_lips: NDArray[np.floating], depth: NDArray[np.floating], points: NDArray[np.floating], unit: float
) -> NDArray[np.float32]:
    """The dark (H, W, 3), and in it a tongue where a mouth is wide open."""
    left, right = (float(points[corner, 0]) for corner in (78, 308))
    across = (np.arange(depth.shape[1], dtype=np.float32) - (left + right) / 2) / max((right - left) / 2, 1.0)
    opening = float(np.linalg.norm(points[14, :2] - points[13, :2])) / unit
    wide = float(_smooth(np.array((opening - TONGUE_FROM) / (TONGUE_AT - TONGUE_FROM))))
    tongue = wide * _smooth((depth - 0.35) / 0.5) * np.clip(1 - across**2, 0, 1)
    made: NDArray[np.float32] = of_lips * (SHADE + tongue[..., None] * (TONGUE - SHADE))
    return made.astype(np.float32)


def _smooth(x: NDArray[np.floating]) -> NDArray[np.floating]:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
