"""Eyes that look into the lens: where irises are then, and how they get there while blinks and saccades stay."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter


@dataclass(frozen=True, kw_only=True)
class EyeContactStyle:
    """Where irises are, in eye widths from the middle of the eye, and how they are moved.

    ``ahead``, ``slope`` and ``most_across`` follow the medians, in bins of head rotation, of where irises are in 391
    training portraits and 255 clips, most of whom look into the lens; half of the portraits lie within 0.016 of it.
    What is said of looks up and down is a robust regression over 344 portraits that are turned by less than 25 degrees:
    who has low lower lids beside the corners of their eyes, as wide eyes do, has low irises, too, and does not look
    down. What is left between people is ``unsure_down``; it was 2.3 degrees by the head's rotation alone, and of the
    people of 118 clips it is 2.4 of 2.7.
    ``opening`` is the robust slope of lids on gaze over the clips. The rest is set by eye.

    Attributes:
        ahead: Of a head that faces the lens and looks into it: right and down.
        slope: By how much more for a lens that is aside of the head, and below it, by the sine of the angle.
        usual_lower_lid: Where the middle of a lower lid is, below the line between the corners of the eye.
        per_lower_lid: By how much lower irises are that look into the lens, over how much lower that is.
        unsure_down: Degrees by which eyes that look into the lens are read as looking up or down, deviation.
        most_across: To which that comes at most across: corners hide irises, and readers of landmarks keep them in.
        per_radian: By how much irises move as the eye turns: 10.4 mm from the middle of an eye, which is 30 mm wide.
        opening: Closure of the lids as gaze goes down by an eye width.
        most_opening: By which lids go along at most.
        blink: Closure from which irises are hidden, and what is read of them is not believed.
        look_s: Of looks that are undone: shorter ones are saccades, and stay.
        steady_s: Deviation of the Gaussian over what is undone.
        saccade: Beyond which saccades are held back.
    """

    ahead: tuple[float, float] = (0.0, -0.06)
    slope: tuple[float, float] = (0.27, 0.085)
    usual_lower_lid: float = 0.104
    per_lower_lid: float = 0.2
    unsure_down: float = 2.2
    most_across: float = 0.08
    per_radian: float = 0.346
    opening: float = 2.3
    most_opening: float = 0.12
    blink: float = 0.35
    look_s: float = 0.4
    steady_s: float = 0.12
    saccade: float = 0.03


STYLE = EyeContactStyle()


def read_lower_lid(canonical: NDArray[np.floating]) -> float:
    """How far below the corners of somebody's eyes their lower lids are, in eye widths.

    Args:
        canonical: Landmarks (T, 478, 3) without the head pose; the median counts.

    Returns:
        What a usual person has where nothing is known.
    """
    below = []
    for middle, a, b in ((145, 33, 133), (374, 362, 263)):
        width = np.linalg.norm(canonical[:, a] - canonical[:, b], axis=-1)
        below.append((canonical[:, middle, 1] - (canonical[:, a, 1] + canonical[:, b, 1]) / 2) / width)
    known = np.mean(below, axis=0)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else STYLE.usual_lower_lid


def find_lens(
    rotation: NDArray[np.floating], lower_lid: float = STYLE.usual_lower_lid, style: EyeContactStyle = STYLE
) -> NDArray[np.floating]:
    """Where irises (T, 2) of a head at a rotation (T, 3, 3) are when it looks into the lens; see ``turn_to_lens``."""
    across, down = (-np.array(style.slope) * rotation[:, 2, :2]).T
    down = down + style.per_lower_lid * (lower_lid - style.usual_lower_lid)
    return np.array(style.ahead) + np.stack([style.most_across * np.tanh(across / style.most_across), down], axis=1)


def measure_aside(
    gaze: NDArray[np.floating],
    rotation: NDArray[np.floating],
    lower_lid: float = STYLE.usual_lower_lid,
    style: EyeContactStyle = STYLE,
) -> NDArray[np.floating]:
    """By how many degrees (T, 2) eyes look past the lens, right and down.

    Args:
        gaze: Where irises (T, 2) are, in eye widths from the middle of the eye.
        rotation: (T, 3, 3) of the head.
        lower_lid: The person's; see ``read_lower_lid``.
        style: What is known of eyes.
    """
    return np.degrees((gaze - find_lens(rotation, lower_lid, style)) / style.per_radian)


def turn_to_lens(
    gaze: NDArray[np.floating],
    rotation: NDArray[np.floating],
    closure: NDArray[np.floating],
    fps: Fraction,
    lower_lid: float = STYLE.usual_lower_lid,
    style: EyeContactStyle = STYLE,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is added to a gaze, and to lids (T, 2 each), so that eyes look into the lens.

    What is added is smooth but for looks that begin and end, so irises tremble no more than they did. Of a small look
    up or down a part is believed, as people who look into the lens differ by as much.

    Args:
        gaze: Where irises (T, 2) are, in eye widths from the middle of the eye; NaN where nothing is known.
        rotation: (T, 3, 3) of the head; NaN likewise.
        closure: (T, 2) of the lids.
        fps: Frames a second of all three.
        lower_lid: The person's; see ``read_lower_lid``.
        style: How it is done.
    """
    aside = gaze - find_lens(rotation, lower_lid, style)
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(aside).all(axis=1) & ~(closure.max(axis=1) > style.blink)
    if not seen.any():
        seen = np.isfinite(aside).all(axis=1)
    if not seen.any():
        return (np.zeros((len(gaze), 2), np.float32),) * 2
    at, known = np.arange(len(aside)), np.flatnonzero(seen)
    aside = np.stack([np.interp(at, known, column) for column in aside[known].T], axis=1)
    width = 2 * round(style.look_s * float(fps) / 2) + 1
    held = median_filter(aside, (width, 1), mode="nearest")
    held = gaussian_filter1d(held, style.steady_s * float(fps), axis=0, mode="nearest")
    left = aside - held
    unsure = np.radians(style.unsure_down) * style.per_radian
    held[:, 1] *= held[:, 1] ** 2 / (held[:, 1] ** 2 + unsure**2)
    beyond = left - style.saccade * np.tanh(left / style.saccade)
    added = -(held + beyond)
    lids = np.clip(style.opening * added[:, 1:], -style.most_opening, style.most_opening)
    return added.astype(np.float32), np.repeat(lids, 2, axis=1).astype(np.float32)


def add_to_lids(lids: NDArray[np.floating], added: NDArray[np.floating]) -> NDArray[np.floating]:
    """Closure (T, 2) with something added to what is open: a blink stays one."""
    return lids + added * np.clip(1 - lids, 0, 1)
