"""Heads that go with the stress of speech: strokes are larger while lips move a lot, and smaller where they rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.motion import coefficients

_STROKES_FROM = 8.0  # deviation, in frames, of the Gaussian whose rest is a stroke: what lasts half a second or less
_LIPS_OVER = 3.0  # deviation, in frames, over which the speed of lips is told
_GAINS = (0.2, 2.5)


def stress_head(motion: NDArray[np.floating], share: float) -> NDArray[np.float32]:
    """The motion (T, 31) with quick turns of the head weighed by how fast lips move, in the mean as they were.

    People's heads turn faster where their lips do. A model that is told both learns little of it from minutes of
    speech: which way a head goes no lips say, and that is what most of its error is.

    Args:
        motion: (T, 31) at 25 frames a second.
        share: How much of the gain follows the lips; 0 leaves all as it is.
    """
    out = np.array(motion, np.float32)
    opening = out[:, coefficients.OPENING.start]
    speed = gaussian_filter1d(np.abs(np.diff(opening, prepend=opening[:1])), _LIPS_OVER, mode="nearest")
    if share == 0 or speed.mean() < 1e-6:
        return out
    gain = np.clip(1 + share * (speed / speed.mean() - 1), *_GAINS)[:, None]
    angles = out[:, coefficients.ANGLES]
    sway = gaussian_filter1d(angles, _STROKES_FROM, axis=0, mode="nearest")
    out[:, coefficients.ANGLES] = sway + gain * (angles - sway)
    return out
