"""How much one of several models has to say, by how noisy the sample is."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeAlias

from facediff.errors import ConfigError

Strength: TypeAlias = float | Callable[[float], float]
"""A number, or a function of the noise level t/T, from 1 (pure noise, where sampling starts) to 0; in flow
matching the level is σ."""


def strength_at(strength: Strength, level: float) -> float:
    """The number that a strength is at a level.

    Raises:
        ConfigError: It is negative or not finite.
    """
    value = float(strength(level) if callable(strength) else strength)
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"a strength must be at least 0, not {value} (at t/T = {level:g})")
    return value


def piecewise_linear(points: Sequence[tuple[float, float]]) -> Callable[[float], float]:
    """A strength that goes straight from point to point, and keeps the first and the last one's beyond them.

    ``[(0.3, 0.0), (1.0, 0.5)]`` is half at pure noise, fades, and is nothing below level 0.3.

    Args:
        points: Pairs (level, strength), levels rising. Two at one level are a step, which takes the second's.

    Raises:
        ConfigError: No points, a level outside [0, 1], or levels that fall.
    """
    levels = [float(level) for level, _ in points]
    values = [float(value) for _, value in points]
    if not points or levels != sorted(levels) or levels[0] < 0 or levels[-1] > 1:
        raise ConfigError(f"strengths by level need rising levels from 0 to 1, not {list(points)}")

    def at(level: float) -> float:
        above = bisect_right(levels, level)
        if above in (0, len(levels)):
            return values[min(above, len(levels) - 1)]
        share = (level - levels[above - 1]) / (levels[above] - levels[above - 1])
        return values[above - 1] + share * (values[above] - values[above - 1])

    return at


def limit_levels(strength: Strength, low: float, high: float) -> Callable[[float], float]:
    """A strength that is 0 outside of the levels [low, high]: there the model is not called.

    Raises:
        ConfigError: Not 0 <= low <= high <= 1.
    """
    if not 0 <= low <= high <= 1:
        raise ConfigError(f"an interval of levels lies in [0, 1], not from {low} to {high}")
    return lambda level: strength_at(strength, level) if low <= level <= high else 0.0
