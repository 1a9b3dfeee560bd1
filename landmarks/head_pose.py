"""Head pose in degrees, as a person would say it, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facediff.landmarks.mesh import CHIN, FOREHEAD
from facediff.types import RigidPose

# Not fitted.
MAX_YAW_DEG = 50.0  # beyond, the far half of the face is hidden and its landmarks are a guess


def head_angles(pose: RigidPose) -> NDArray[np.float32]:
    """Yaw, pitch and roll (T, 3) in degrees; NaN where the pose is.

    All are 0 for a head that faces the camera upright. Yaw is positive when the nose turns to the image's right,
    pitch when it goes up, roll when the head tilts clockwise as seen in the image. They are taken out in that order,
    yaw outermost: rotation = R_y(-yaw) R_x(-pitch) R_z(roll) in the axes x right, y down, z away from the camera.
    """
    angles = np.full((len(pose), 3), np.nan, np.float32)
    found = np.isfinite(pose.rotation).all(axis=(1, 2))
    if found.any():
        turned = Rotation.from_matrix(pose.rotation[found]).as_euler("YXZ", degrees=True)
        angles[found] = turned * np.array([-1.0, -1.0, 1.0])
    return angles


def rotations(angles: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rotation matrices (T, 3, 3) of yaw, pitch and roll (T, 3) in degrees; inverse of ``head_angles``."""
    turned = np.asarray(angles, np.float64) * np.array([-1.0, -1.0, 1.0])
    return Rotation.from_euler("YXZ", turned, degrees=True).as_matrix().astype(np.float32)


def count_quarter_turns(points: NDArray[np.floating]) -> int:
    """By how many quarters, from 0 to 3, a picture is turned clockwise in which a face has landmarks (478, 3)."""
    return nearest_quarter(points[CHIN, :2] - points[FOREHEAD, :2])


def nearest_quarter(down: NDArray[np.floating]) -> int:
    """By how many quarters, from 0 to 3, a direction (2,) in a picture is turned clockwise from downwards."""
    x, y = down
    return round(float(np.nan_to_num(np.arctan2(-x, y))) / (np.pi / 2)) % 4


def is_profile(pose: RigidPose, max_yaw_deg: float = MAX_YAW_DEG) -> NDArray[np.bool_]:
    """(T,) True where the head is turned further than this to either side; False where the pose is unknown."""
    return np.abs(np.nan_to_num(head_angles(pose)[:, 0])) > max_yaw_deg
