"""Whether one face moves as another does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.landmarks import motion as layout
from facediff.types import FaceTrack

# What is compared, and how much of it (standard deviation) makes a movement: less than that is the tracker's noise.
_AXES = {"yaw": 0, "pitch": 1, "roll": 2}
NOISE = {"lips": 0.01, "brows": 0.25, "lids": 0.06, "yaw": 0.5, "pitch": 0.5, "roll": 0.5}


def motion_correlation(track: FaceTrack, driver: FaceTrack) -> dict[str, float | None]:
    """Pearson correlation of lips, brows, lids and the three head angles of two faces, frame by frame.

    Args:
        track: Of the face that was driven.
        driver: Of the face that drove it, at the same rate.

    Returns:
        ``lips`` (opening), ``brows`` (coefficient of largest spread), ``lids`` (closure, mean of both), ``yaw``,
        ``pitch`` and ``roll``; None where the driver does not move more than ``NOISE``.

    Raises:
        InputError: They share fewer than ten frames with a face.
    """
    count = min(len(track), len(driver))
    both = track.usable[:count] & driver.usable[:count]
    if both.sum() < 10:
        raise InputError(f"the two videos show a face at the same time in {both.sum()} frames only; 10 are needed")
    made, wanted = (_series(t.points[:count][both]) for t in (track, driver))
    return {name: _correlation(made[name], wanted[name], NOISE[name]) for name in NOISE}


def _series(points: NDArray[np.floating]) -> dict[str, NDArray[np.float32]]:
    motion = layout.encode(points.astype(np.float32))
    angles = motion[:, layout.ANGLES]
    return {
        "lips": motion[:, layout.OPENING],
        "brows": motion[:, layout.BROWS],
        "lids": motion[:, layout.LIDS].mean(axis=1, keepdims=True),
        **{name: angles[:, k : k + 1] for name, k in _AXES.items()},
    }


def _correlation(made: NDArray, wanted: NDArray, noise: float) -> float | None:
    """Of the column in which the wanted one moves most."""
    column = int(wanted.std(axis=0).argmax())
    a, b = made[:, column], wanted[:, column]
    if b.std() < noise:
        return None
    return 0.0 if a.std() < 1e-6 else float(np.corrcoef(a, b)[0, 1])
