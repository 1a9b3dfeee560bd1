"""Levels of a picture and the logarithm of its light, in which what shades skin is the same on all skins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OFFSET = 8.0  # levels, against the logarithm of black


def to_log_light(picture: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.float32]:
    """Of the light of a picture, 0 to 255."""
    return np.log(np.asarray(picture, np.float32) + OFFSET)


def to_levels(light: NDArray[np.floating]) -> NDArray[np.float32]:
    """The inverse of ``to_log_light``."""
    return np.clip(np.exp(light) - OFFSET, 0, 255).astype(np.float32)
