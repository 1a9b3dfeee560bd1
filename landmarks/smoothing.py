"""Landmarks without jitter and without lag: filters that look both ways in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import MESH_POINTS
from facediff.types import FaceTrack, Presence, RigidPose

SHOT_JUMP = 0.6  # eye distances from one frame to the next: a cut, not a movement


def stretches(track: FaceTrack) -> list[slice]:
    """Runs of frames with a face and without a cut between them."""
    usable = track.usable
    centre = track.points[:, :MESH_POINTS, :2].mean(1)
    unit = np.linalg.norm(track.points[:, 33] - track.points[:, 263], axis=-1)
    with np.errstate(invalid="ignore"):
        cut = np.linalg.norm(np.diff(centre, axis=0), axis=1) > SHOT_JUMP * unit[:-1]
    edge = np.flatnonzero((usable[1:] != usable[:-1]) | cut) + 1
    bounds = [0, *edge.tolist(), len(track)]
    return [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True) if usable[a]]


def smooth_pose(pose: RigidPose, seconds: float, fps: float) -> RigidPose:
    """A head's path with jitter shorter than about ``seconds`` taken out, for one stretch without cuts."""
    if len(pose) < 3 or seconds <= 0 or fps <= 0:
        return pose
    sigma = seconds * fps / 2
    rotation = gaussian_filter1d(pose.rotation.astype(np.float64), sigma, axis=0, mode="nearest")
    u, _, vt = np.linalg.svd(rotation)
    sign = np.ones((len(pose), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    return RigidPose(
        np.einsum("tij,tj,tjk->tik", u, sign, vt).astype(np.float32),
        np.exp(gaussian_filter1d(np.log(pose.scale), sigma, mode="nearest")).astype(np.float32),
        gaussian_filter1d(pose.translation, sigma, axis=0, mode="nearest"),
    )


def smooth_track(
    track: FaceTrack, *, pose_s: float = 0.06, shape_s: float = 0.03
) -> tuple[FaceTrack, NDArray[np.float32], RigidPose]:
    """A steadier track, its canonical landmarks (T, 478, 3) and its head poses; NaN where the face is absent.

    Args:
        track: As tracked.
        pose_s: Jitter of the head shorter than this goes.
        shape_s: Jitter of the face's shape shorter than this goes; small, since lips are quick.
    """
    if (track.presence != Presence.ABSENT).sum() == 0:
        raise ValueError("the track has no face in it")
    canonical, pose = canonicalise(track.points)
    for run in stretches(track):
        part = smooth_pose(pose.take(run), pose_s, track.fps)
        pose.rotation[run], pose.scale[run], pose.translation[run] = part.rotation, part.scale, part.translation
        if track.fps and run.stop - run.start >= 3:
            canonical[run] = gaussian_filter1d(canonical[run], shape_s * track.fps / 2, axis=0, mode="nearest")
    return replace(track, points=from_canonical(canonical, pose)), canonical, pose
