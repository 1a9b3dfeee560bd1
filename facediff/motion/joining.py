"""Made motion laid beside known motion without a corner: it keeps its curvature and gives way in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

REACH_FRAMES = 12.0  # in which a difference to what is known dies away, at 25 a second; less bends more at the join


def join_known(
    made: NDArray[np.floating], known: NDArray[np.floating], mask: NDArray[np.bool_], reach: float = REACH_FRAMES
) -> NDArray[np.float32]:
    """Motion (T, D) that is ``known`` where the mask is true, and elsewhere as near to ``made`` as goes smoothly.

    What is least is Σ (y'' - made'')² + reach⁻⁴ Σ (y - made)² over frames that are not known, where curvature over a
    join is to be 0: gradient-domain blending (Pérez et al., "Poisson Image Editing", 2003) along time.

    Args:
        made: (T, D).
        known: (T, D), of which only what the mask has counts.
        mask: (T, D).
        reach: Frames in which a difference dies away.
    """
    out = np.where(mask, known, made).astype(np.float64)
    patterns, group = np.unique(mask, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        channels = np.flatnonzero(group.ravel() == number)
        if pattern.any() and not pattern.all():
            out[:, channels] = _solve(np.asarray(made, np.float64)[:, channels], out[:, channels], pattern, reach)
    return out.astype(np.float32)


def _solve(
    made: NDArray[np.float64], held: NDArray[np.float64], known: NDArray[np.bool_], reach: float
) -> NDArray[np.float64]:
    """Frames (T, d) of channels that are known in the same frames (T,)."""
    count = len(made)
    stencils = np.stack([known[:-2], known[1:-1], known[2:]]) if count > 2 else np.zeros((3, 0), bool)
    bends = np.where(stencils.any(axis=0)[:, None], 0.0, np.diff(made, n=2, axis=0) if count > 2 else 0.0)
    counts = (~stencils.all(axis=0)).astype(np.float64)
    taps, stiff = (1.0, -2.0, 1.0), 1e9  # what is known is held by a spring that nothing moves
    hold = np.where(known, stiff, reach**-4.0)
    matrix, right = np.zeros((3, count)), hold[:, None] * held
    matrix[0] += hold
    for i, first in enumerate(taps):
        right[i : count - 2 + i] += first * (counts[:, None] * bends)
        for j in range(i + 1):
            matrix[i - j, j : count - 2 + j] += counts * first * taps[j]
    solved: NDArray[np.float64] = solveh_banded(matrix, right, lower=True)
    return np.where(known[:, None], held, solved)
