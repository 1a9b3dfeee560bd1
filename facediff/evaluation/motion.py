"""Whether one face moves as another does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import LEFT_BROW, OUTER_EYES, RIGHT_BROW
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack

# What is compared, and how much of it (standard deviation) makes a movement: less than that is the tracker's noise.
_AXES = {"yaw": 0, "pitch": 1, "roll": 2}
NOISE = {"lips": 0.01, "brows": 0.005, "lids": 0.06, "yaw": 0.5, "pitch": 0.5, "roll": 0.5}


def motion_correlation(track: FaceTrack, driver: FaceTrack) -> dict[str, float | None]:
    """Pearson correlation of lips, brows, lids and the three head angles of two faces, frame by frame.

    Args:
        track: Of the face that was driven.
        driver: Of the face that drove it, at the same rate.

    Returns:
        ``lips`` (opening), ``brows`` (height over the eyes), ``lids`` (closure, mean of both), ``yaw``, ``pitch`` and
        ``roll``; None where the driver does not move more than ``NOISE``.

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
    """Each a number a frame (T,)."""
    motion = encode_motion(points.astype(np.float32))
    angles = motion[:, coefficients.ANGLES]
    return {
        "lips": motion[:, coefficients.OPENING][:, 0],
        "brows": _brow_height(points),
        "lids": motion[:, coefficients.LIDS].mean(axis=1),
        **{name: angles[:, k] for name, k in _AXES.items()},
    }


def _brow_height(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """How high the brows stand over the corners of the eyes (T,), in eye distances, as seen from the front."""
    height = -canonicalise(points)[0][..., 1]
    return height[:, [*RIGHT_BROW, *LEFT_BROW]].mean(axis=1) - height[:, OUTER_EYES].mean(axis=1)


def _correlation(made: NDArray[np.floating], wanted: NDArray[np.floating], noise: float) -> float | None:
    if wanted.std() < noise:
        return None
    return 0.0 if made.std() < 1e-6 else float(np.corrcoef(made, wanted)[0, 1])
