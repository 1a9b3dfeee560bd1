"""The canonical face: a mesh with the head pose taken out.

Canonical axes: x to the image's right, y down, z away from the camera; origin midway between the outer eye
corners of the mean face; unit: the distance between them. Head pose is a similarity in 3D (weak perspective),
fitted to the points that expression hardly moves.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import STABLE
from facediff.types import RigidPose


@cache
def mean_face() -> NDArray[np.float32]:
    """The mean canonical mesh (478, 3) of the people in the training clips, left and right averaged."""
    with (files("facediff.landmarks") / "mean_face.npy").open("rb") as file:
        face: NDArray[np.float32] = np.load(file, allow_pickle=False)
    face.setflags(write=False)
    return face


def fit_pose(
    points: NDArray[np.floating],
    shape: NDArray[np.floating] | None = None,
    stable: NDArray[np.integer] = STABLE,
) -> RigidPose:
    """The similarity that takes a canonical shape onto landmarks, least squares over the stable points.

    Args:
        points: Landmarks (T, 478, 3) in pixels; frames with NaN give NaN poses.
        shape: Canonical mesh (478, 3) of this person; the mean face where it is not known.
        stable: Numbers of the points that count.

    Source: Umeyama, "Least-squares estimation of transformation parameters", PAMI 1991, equations 34 to 43.
    """
    model = np.asarray(mean_face() if shape is None else shape, np.float64)[stable]
    found = np.asarray(points, np.float64)[:, stable]
    usable = np.isfinite(found).all(axis=(1, 2))
    centre_m, centre_f = model.mean(0), found.mean(1)
    m, f = model - centre_m, np.where(usable[:, None, None], found - centre_f[:, None], 0.0)
    u, sigma, vt = np.linalg.svd(np.einsum("tni,nj->tij", f, m))
    sign = np.ones_like(sigma)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = np.einsum("tij,tj,tjk->tik", u, sign, vt)
    scale = (sigma * sign).sum(1) / (m**2).sum()
    translation = centre_f - scale[:, None] * (rotation @ centre_m)
    rotation[~usable], scale[~usable], translation[~usable] = np.nan, np.nan, np.nan
    return RigidPose(rotation.astype(np.float32), scale.astype(np.float32), translation.astype(np.float32))


def to_canonical(points: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
    """Landmarks (T, N, 3) in pixels with the head pose taken out, in canonical units."""
    centred = np.asarray(points, np.float32) - pose.translation[:, None]
    return np.einsum("tni,tij->tnj", centred, pose.rotation) / pose.scale[:, None, None]


def from_canonical(canonical: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
    """Canonical points (T, N, 3), or (N, 3) for all frames, placed in the frame; inverse of ``to_canonical``."""
    canonical = np.broadcast_to(np.asarray(canonical, np.float32), (len(pose), *np.shape(canonical)[-2:]))
    rotated = np.einsum("tnj,tij->tni", canonical, pose.rotation)
    return rotated * pose.scale[:, None, None] + pose.translation[:, None]


def canonicalise(points: NDArray[np.floating]) -> tuple[NDArray[np.float32], RigidPose]:
    """Canonical landmarks (T, 478, 3) of one person and the head poses that were taken out.

    Fitted twice: to the mean face, then to this person's own median shape, so that face shape is not
    mistaken for head pose.
    """
    pose = fit_pose(points)
    shape = np.nanmedian(to_canonical(points, pose), axis=0)
    pose = fit_pose(points, shape)
    return to_canonical(points, pose), pose
