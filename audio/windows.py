"""Seconds, feature columns and video frames: one window of features for every frame."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import COLUMN_RATE, SILENCE
from facediff.audio.wave import SAMPLE_RATE


def frame_count(samples: int, fps: float | Fraction) -> int:
    """Frames that cover so many samples at 16 kHz: ceil(seconds × fps), exact for 30000/1001 too; at least one."""
    return max(1, ceil(Fraction(samples, SAMPLE_RATE) * exact_rate(fps)))


def exact_rate(fps: float | Fraction) -> Fraction:
    """A frame rate as the fraction that broadcast means by it: 29.97 is 30000/1001."""
    rate = Fraction(fps).limit_denominator(100_000)
    for base in (24, 30, 48, 60, 120):
        if abs(float(rate) - base / 1.001) < 0.004:
            return Fraction(base * 1000, 1001)
    return rate if rate.denominator <= 1001 else rate.limit_denominator(1001)


def feature_windows(
    features: NDArray[np.floating], fps: float | Fraction, frames: int, columns: int = 32, *, first: int = 0
) -> NDArray[np.float32]:
    """One window of ``columns`` feature columns per video frame, centred on the frame's time.

    Frame k shows time k / fps; its window's column ``columns // 2`` is the one nearest to that time. Columns before
    the start and after the end hold silence.

    Args:
        features: (dim, steps), 100 columns a second, such as ``log_mel`` gives.
        fps: Frames per second.
        frames: How many windows to cut.
        columns: Width of a window.
        first: The frame to begin with, for cutting a long recording part by part.

    Returns:
        (frames, columns, dim) float32.
    """
    if frames <= 0:
        return np.zeros((0, columns, len(features)), np.float32)
    rate = exact_rate(fps)
    starts = np.array([round(Fraction(k) * COLUMN_RATE / rate) for k in range(first, first + frames)]) - columns // 2
    low, high = starts[0], starts[-1] + columns
    inside = features[:, max(low, 0) : max(high, 0)]
    before = min(max(-low, 0), high - low)
    after = high - low - before - inside.shape[1]
    padded = np.pad(inside, ((0, 0), (before, after)), constant_values=SILENCE)
    return np.ascontiguousarray(padded.T[starts[:, None] - low + np.arange(columns)], np.float32)


def interpolate_states(states: NDArray[np.float32], position: NDArray[np.float64]) -> NDArray[np.float32]:
    """States (n, dim) at real-valued positions (...), linearly interpolated, held at both ends: (..., dim)."""
    position = np.clip(position, 0, len(states) - 1)
    below = np.minimum(position.astype(int), max(len(states) - 2, 0))
    share = (position - below)[..., None].astype(np.float32)
    above = np.minimum(below + 1, len(states) - 1)
    return states[below] * (1 - share) + states[above] * share
