"""How lively a head is: how far it goes from its middle, and how fast, in four numbers that a motion model is told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.motion import coefficients

TREMOR_FRAMES = 1.0  # deviation of the Gaussian that takes the tracker's trembling from a head
_LEAST = np.array([0.1, 0.002, 0.01, 0.0003])  # of a head that is screwed down


def steady(
    motion: NDArray[np.floating], rate: float = coefficients.MOTION_FPS, *, share: float = 1.0
) -> NDArray[np.float32]:
    """A motion (T, 31) without the trembling that comes of tracking: of head, gaze and brows, not of lips and lids.

    Args:
        motion: At any rate.
        rate: Frames a second.
        share: Of the smoothing that a tracker's motion needs.
    """
    out = np.array(motion, np.float32)
    frames = share * TREMOR_FRAMES * rate / coefficients.MOTION_FPS
    for part in (coefficients.ANGLES, coefficients.SHIFT, coefficients.BROWS):
        out[:, part] = gaussian_filter1d(out[:, part], frames, axis=0, mode="nearest")
    out[:, coefficients.GAZE] = gaussian_filter1d(out[:, coefficients.GAZE], frames / 2, axis=0, mode="nearest")
    return out


def measure_manner(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """(4,) logarithms: spread of angles in degrees and of places in eye distances, then the change of both in a frame.

    Each is a root mean square over the three channels, of a steady motion (T, 31) at 25 frames a second.
    """
    angles, shift = motion[:, coefficients.ANGLES], motion[:, coefficients.SHIFT]
    spread = [np.sqrt(part.var(axis=0).mean()) for part in (angles, shift)]
    pace = [np.sqrt(np.square(np.diff(part, axis=0)).mean()) for part in (angles, shift)]
    return np.log(np.maximum([*spread, *pace], _LEAST)).astype(np.float32)
