"""Which parts of a motion are given while a masked denoiser learns to fill in the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients

_PARTS = (coefficients.ANGLES, coefficients.SHIFT, coefficients.GAZE, coefficients.BROWS, coefficients.LIDS)
MOUTH = (coefficients.LIPS, coefficients.OPENING)


def draw_mask(rng: np.random.Generator, frames: int, *, lips_share: float = 0.5) -> NDArray[np.float32]:
    """A mask (31, frames), 1 where motion is given; never all of it.

    Args:
        rng: To draw with.
        frames: Of the window.
        lips_share: How often the mouth is given throughout, as it is where a face speaks.
    """
    kinds = (_nothing, _beginning, _ends, _groups, _keyframes)
    mask = kinds[rng.choice(len(kinds), p=(0.3, 0.25, 0.15, 0.15, 0.15))](rng, frames)
    if rng.random() < lips_share:
        for part in MOUTH:
            mask[part] = 1.0
    return mask


def _nothing(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    return np.zeros((coefficients.DIMENSIONS, frames), np.float32)


def _beginning(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """The first frame, as a picture gives it, or a past to be gone on with (LVDM's prediction)."""
    mask = _nothing(rng, frames)
    count = 1 if rng.random() < 0.5 else int(rng.integers(2, max(3, frames // 2)))
    mask[:, :count] = 1.0
    return mask


def _ends(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """Both ends, from one frame to an eighth of the window each (LVDM's and NUWA-XL's in-betweening)."""
    mask = _beginning(rng, frames)
    mask[:, frames // 2 :] = 0.0
    mask[:, -int(rng.integers(1, max(2, frames // 8))) :] = 1.0
    return mask


def _groups(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """Groups of frames, evenly spaced at a distance drawn log-uniformly, given by a coin each (FDM, section 3.2)."""
    mask = _nothing(rng, frames)
    for _ in range(int(rng.integers(1, 4))):
        spacing = int(np.exp(rng.uniform(0, np.log(max(2, frames // 3)))))
        at = np.arange(int(rng.integers(0, spacing)) if spacing > 1 else 0, frames, spacing)
        keep = int(rng.integers(1, len(at) + 1))
        first = int(rng.integers(0, len(at) - keep + 1))
        if rng.random() < 0.5:
            mask[:, at[first : first + keep]] = 1.0
    mask[:, int(rng.integers(frames))] = 0.0  # something is left to do
    return mask


def _keyframes(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """Some channels of a few frames, each for a moment or a while, as people write keyframes."""
    mask = _nothing(rng, frames)
    for _ in range(int(rng.integers(1, 5))):
        start, length = int(rng.integers(frames)), int(rng.choice((1, 1, 5, 15)))
        for part in _PARTS:
            if rng.random() < 0.5:
                mask[part, start : start + length] = 1.0
    return mask


DrawMask = Callable[[np.random.Generator, int], NDArray[np.float32]]
