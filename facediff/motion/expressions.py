"""Expressions by name, as motions that are added to a face's own: sliders that need no driver and no classifier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.options import check_strength

HEAD_DEG = 15.0  # by which the head turns at strength 1
GAZE_WIDTHS = 0.15  # eye widths by which the irises move at strength 1


@cache
def expressions() -> dict[str, NDArray[np.float32]]:
    """Motions (31,) at strength 1: ``smile``, ``mouth-open``, ``brows-up``, ``eyes-closed``, gaze and head."""
    with as_file(files("facediff.motion") / "expressions.safetensors") as path:
        fitted = load_file(path)
    known = {name.replace("_", "-"): fitted[name] for name in ("smile", "mouth_open", "brows_up")}
    lids, gaze, angles = (
        list(range(coefficients.DIMENSIONS)[part])
        for part in (coefficients.LIDS, coefficients.GAZE, coefficients.ANGLES)
    )
    known["eyes-closed"] = _channels(lids, 1.0)
    for name, channel in zip(("gaze-right", "gaze-down"), gaze, strict=True):
        known[name] = _channels([channel], GAZE_WIDTHS)
    for name, channel in zip(("head-left", "head-down", "head-tilt"), angles, strict=True):
        known[name] = _channels([channel], HEAD_DEG)
    return known


def expression(strengths: Mapping[str, float]) -> NDArray[np.float32]:
    """The motion (31,) of several expressions at once.

    Args:
        strengths: From -2 to 2 each; below 0 is the opposite, where it has one.

    Raises:
        ConfigError: There is no such expression, or it is too strong.
    """
    motion = np.zeros(coefficients.DIMENSIONS, np.float32)
    for name, strength in strengths.items():
        if name not in expressions():
            raise ConfigError(f"there is no expression {name!r}; there are {', '.join(expressions())}")
        check_strength(name, strength)
        motion += np.float32(strength) * expressions()[name]
    return motion


def _channels(chosen: list[int], value: float) -> NDArray[np.float32]:
    motion = np.zeros(coefficients.DIMENSIONS, np.float32)
    motion[chosen] = value
    return motion
