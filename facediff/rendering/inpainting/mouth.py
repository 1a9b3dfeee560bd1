"""What is between lips that open further than in the source: upper teeth, a tongue, and the dark behind them.

From closed lips a denoiser of few steps paints about the mean of all mouths: a mist of the colour of lips, in which a
mouth does not look open. But laid over one another, tooth upon tooth, many people's teeth have a mean that is sharp
(``facediff.training.teeth``). It is put where the skull holds it, and lips that part uncover it. A source that shows
its own teeth keeps them, there too (``facediff.rendering.inpainting.teeth``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.landmarks import masks
from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER, SUBNASALE, UPPER_LIP
from facediff.rendering.compose import add_window
from facediff.rendering.frame import SourceTeeth, WarpedFrame
from facediff.rendering.inpainting.lip_seal import find_lip_edges, measure_lip_seal, seal_lips
from facediff.rendering.inpainting.window import mouth_window
from facediff.system.weights import model_folder
from facediff.types import Frame

FEATHER = 0.018  # eye distances over which lips hide what is behind them
GLANCE = 4  # pixels of which one is enough to tell colours
EDGE_BELOW = 0.02  # eye distances by which incisors of a mouth at rest reach below the line where the lips meet
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


def fill_mouth(frame: Frame, shot: WarpedFrame) -> Frame:
    """A painted frame with what its source does not show drawn between its lips, or with teeth shut away behind them.

    The frame itself where lips show what the source does.
    """
    shut, stays = (
        measure_lip_seal(shot),
        0.0 if shot.teeth is None else shot.teeth.share * (shot.disocclusion - shot.unobserved),
    )
    if not shot.unobserved and not shut and not stays:
        return frame
    alignment, _, unit, points, linear = mouth_window(shot.points, shot.pose)
    window = alignment.crop(frame, 0).astype(np.float32)
    change = shut * (seal_lips(window, points, unit) - window)
    for share, own in ((shot.unobserved, None), (stays, shot.teeth)):
        if share:
            change += share * (draw_mouth_interior(window, points, linear, measure_lip_rest(shot), own) - window)
    return add_window(frame, change, alignment.inverses[0])


def measure_lip_rest(shot: WarpedFrame) -> float:
    """How far below the nose the lips of a shot's source meet, in eye distances."""
    points = shot.points if shot.origin is None else shot.origin
    along = np.linalg.solve(shot.pose.rotation[0, :2, :2], (points[UPPER_LIP] - points[SUBNASALE])[:2])
    return float(along[1] / shot.pose.scale[0])


def draw_mouth_interior(
    window: NDArray[np.float32],
    points: NDArray[np.floating],
    linear: NDArray[np.floating],
    rest: float,
    own: SourceTeeth | None = None,
) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with the inside of a mouth drawn between the lips.

    Args:
        window: The face, upright.
        points: Landmarks (478, 3) in its pixels.
        linear: (2, 2) from eye distances across and down the face to pixels.
        rest: See ``measure_lip_rest``.
        own: The teeth of this mouth; those of the mean where they are not known.
    """
    size = window.shape[1], window.shape[0]
    unit = float(np.sqrt(abs(np.linalg.det(linear))))
    between = masks.region(points[LIPS_INNER], size, unit, feather=FEATHER)
    of_lips, of_skin = _colours(window[::GLANCE, ::GLANCE], points / GLANCE, unit / GLANCE)
    hidden, shown = find_lip_edges(points, size)
    down = np.arange(size[1], dtype=np.float32)[:, None]
    below = (down - hidden) / unit  # the upper lip
    depth = np.clip((down - hidden) / np.maximum(shown - hidden, 1.0), 0, 1)
    made = _behind(of_lips, depth, points, unit)
    if own is None:
        light = (LIT[0] * of_skin.mean() + LIT[1]) * (of_skin / of_skin.mean()) ** TINT
        shadow = 1 - SHADOW * (1 - masks.smoothstep(below / UNDER_LIP))
        colour, solid = _mean_row(points, linear, rest, size)
        colour *= light.astype(np.float32) * shadow[..., None]
    else:
        carried = linear @ np.linalg.inv(own.linear)
        colour, solid = _placed(own.picture, carried, own.anchor, points[own.point, :2], size)
    made += solid * (colour - made)
    return window + between[..., None] * (made - window)


def _mean_row(
    points: NDArray[np.floating], linear: NDArray[np.floating], rest: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean teeth in a window of ``size``: colours over the light (H, W, 3), and where they are (H, W, 1)."""
    plate = teeth()
    edge = points[SUBNASALE, :2] + linear @ np.array([0.0, rest + EDGE_BELOW])
    origin = np.array([(plate.picture.shape[1] - 1) / 2, plate.edge_row])
    return _placed(plate.picture, linear / plate.unit_px, origin, edge, size)


def _placed(
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


def _behind(
    of_lips: NDArray[np.floating], depth: NDArray[np.floating], points: NDArray[np.floating], unit: float
) -> NDArray[np.float32]:
    """The dark (H, W, 3), and in it a tongue where a mouth is wide open."""
    left, right = (float(points[corner, 0]) for corner in (78, 308))
    across = (np.arange(depth.shape[1], dtype=np.float32) - (left + right) / 2) / max((right - left) / 2, 1.0)
    opening = float(np.linalg.norm(points[14, :2] - points[13, :2])) / unit
    wide = float(masks.smoothstep(np.array((opening - TONGUE_FROM) / (TONGUE_AT - TONGUE_FROM))))
    tongue = wide * masks.smoothstep((depth - 0.35) / 0.5) * np.clip(1 - across**2, 0, 1)
    made: NDArray[np.float32] = of_lips * (SHADE + tongue[..., None] * (TONGUE - SHADE))
    return made.astype(np.float32)
