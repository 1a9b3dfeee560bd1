"""What is between lips that open further than in the source: upper teeth, a tongue, and the dark behind them.

From closed lips a denoiser of few steps paints about the mean of all mouths: a mist of the colour of lips, in which a
mouth does not look open. But laid over one another, tooth upon tooth, many people's teeth have a mean that is sharp
(``facediff.training.teeth``). It is put where the skull holds it, and lips that part uncover it. A source that shows
its own teeth keeps them, there too (``facediff.rendering.inpainting.teeth``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER, SUBNASALE, UPPER_LIP
from facediff.rendering.compose import GLANCE
from facediff.rendering.frame import WarpedFace
from facediff.rendering.inpainting.appearance_prior import Teeth
from facediff.rendering.inpainting.lip_seal import find_lip_edges
from facediff.rendering.inpainting.teeth import SourceTeeth

SOFT_PX = 1.2  # over which the steps of a drawn outline are smoothed: along a lip they are long


@dataclass(frozen=True)
class MouthStyle:
    """How the inside of a mouth is drawn. Distances in eye distances.

    Set by eye on training portraits whose mouths open ("A mouth that opens far beyond what its source shows has teeth
    too", November 2026), some of it with test clips in sight; no range was swept.

    Attributes:
        feather: Over which lips hide what is behind them.
        edge_below: By which incisors of a mouth at rest reach below the line where the lips meet.
        shade: Light behind lips, over their own, red, green, blue.
        tongue: Likewise, of a tongue.
        tongue_from: Opening that shows nothing of a tongue.
        tongue_at: Opening that shows all of it.
        lit: Light on teeth, of the skin's and besides, in levels.
        tint: How far that light has the hue of skin.
        under_lip: Below the upper lip that lies in its shadow.
        shadow: What that takes of the light.
    """

    feather: float = 0.018
    edge_below: float = 0.02
    shade: tuple[float, float, float] = (0.2, 0.13, 0.13)
    tongue: tuple[float, float, float] = (0.62, 0.5, 0.52)
    tongue_from: float = 0.06
    tongue_at: float = 0.2
    lit: tuple[float, float] = (0.6, 62.0)
    tint: float = 0.4
    under_lip: float = 0.04
    shadow: float = 0.45


def measure_lip_rest(face: WarpedFace) -> float:
    """How far below the nose the lips of a face's source meet, in eye distances."""
    points = face.points if face.source_points is None else face.source_points
    along = np.linalg.solve(face.pose.rotation[0, :2, :2], (points[UPPER_LIP] - points[SUBNASALE])[:2])
    return float(along[1] / face.pose.scale[0])


def mask_interior(
    points: NDArray[np.floating], unit: float, size: tuple[int, int], style: MouthStyle = MouthStyle()
) -> NDArray[np.float32]:
    """(H, W) from 0 to 1: what is between the lips of a window of ``size``, of so many pixels to an eye distance."""
    between = masks.region(points[LIPS_INNER], size, unit, feather=style.feather)
    return np.asarray(cv2.GaussianBlur(between, (0, 0), SOFT_PX), np.float32)


def draw_mouth_interior(
    window: NDArray[np.float32],
    points: NDArray[np.floating],
    linear: NDArray[np.floating],
    rest: float,
    teeth: Teeth | SourceTeeth,
    style: MouthStyle = MouthStyle(),
) -> NDArray[np.float32]:
    """The inside of a mouth (H, W, 3), in levels, as it is behind the lips of a window; see ``mask_interior``.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        linear: (2, 2) from eye distances across and down the face to pixels.
        rest: See ``measure_lip_rest``.
        teeth: Those of this mouth, or the mean ones where they are not known.
        style: How it is drawn.
    """
    size = window.shape[1], window.shape[0]
    unit = float(np.sqrt(abs(np.linalg.det(linear))))
    of_lips, of_skin = _measure_colours(window[::GLANCE, ::GLANCE], points / GLANCE, unit / GLANCE)
    hidden, shown = find_lip_edges(points, size)
    down = np.arange(size[1], dtype=np.float32)[:, None]
    below = (down - hidden) / unit  # the upper lip
    depth = np.clip((down - hidden) / np.maximum(shown - hidden, 1.0), 0, 1)
    made = _draw_depth(of_lips, depth, points, unit, style)
    if isinstance(teeth, Teeth):
        light = (style.lit[0] * of_skin.mean() + style.lit[1]) * (of_skin / of_skin.mean()) ** style.tint
        shadow = 1 - style.shadow * (1 - masks.smoothstep(below / style.under_lip))
        colour, solid = _place_mean_row(teeth, points, linear, rest + style.edge_below, size)
        colour *= light.astype(np.float32) * shadow[..., None]
    else:
        carried = linear @ np.linalg.inv(teeth.linear)
        colour, solid = _place(teeth.picture, carried, teeth.anchor, points[teeth.point, :2], size)
    made += solid * (colour - made)
    return made


def _place_mean_row(
    teeth: Teeth, points: NDArray[np.floating], linear: NDArray[np.floating], edge_below: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean teeth in a window of ``size``: colours over the light (H, W, 3), and where they are (H, W, 1)."""
    edge = points[SUBNASALE, :2] + linear @ np.array([0.0, edge_below])
    origin = np.array([(teeth.picture.shape[1] - 1) / 2, teeth.edge_row])
    return _place(teeth.picture, linear / teeth.unit_px, origin, edge, size)


def _place(
    picture: NDArray[np.float32],
    linear: NDArray[np.floating],
    origin: NDArray[np.floating],
    place: NDArray[np.floating],
    size: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A picture (h, w, 4) in a window of ``size``, its point ``origin`` at ``place``: (H, W, 3) and (H, W, 1)."""
    placed = warp_affine(picture, np.column_stack([linear, place - linear @ origin]), size)
    colour, solid = np.split(placed, [3], axis=2)
    return colour, solid


def _measure_colours(
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


def _draw_depth(
    of_lips: NDArray[np.floating],
    depth: NDArray[np.floating],
    points: NDArray[np.floating],
    unit: float,
    style: MouthStyle,
) -> NDArray[np.float32]:
    """The dark (H, W, 3), and in it a tongue where a mouth is wide open."""
    left, right = (float(points[corner, 0]) for corner in (78, 308))
    across = (np.arange(depth.shape[1], dtype=np.float32) - (left + right) / 2) / max((right - left) / 2, 1.0)
    opening = float(np.linalg.norm(points[14, :2] - points[13, :2])) / unit
    wide = float(masks.smoothstep(np.array((opening - style.tongue_from) / (style.tongue_at - style.tongue_from))))
    tongue = wide * masks.smoothstep((depth - 0.35) / 0.5) * np.clip(1 - across**2, 0, 1)
    dark, wet = np.array(style.shade, np.float32), np.array(style.tongue, np.float32)
    made: NDArray[np.float32] = of_lips * (dark + tongue[..., None] * (wet - dark))
    return made.astype(np.float32)
