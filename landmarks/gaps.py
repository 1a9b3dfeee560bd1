"""Short absences of a face, filled in between what was seen before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from facediff.landmarks.canonical import fit_pose, from_canonical, to_canonical
from facediff.types import FaceTrack, Presence, RigidPose


def fill_gaps(track: FaceTrack, max_gap_s: float = 0.5) -> FaceTrack:
    """The track with its short gaps interpolated, head pose and expression apart.

    Args:
        track: Some frames of which are absent.
        max_gap_s: Longer gaps, and those at either end, stay absent.
    """
    found = np.flatnonzero(track.presence == Presence.FOUND)
    points, presence = track.points.copy(), track.presence.copy()
    for before, after in zip(found[:-1], found[1:], strict=True):
        gap = after - before - 1
        if gap and gap <= max_gap_s * track.fps:
            points[before + 1 : after] = _between(track.points[[before, after]], gap)
            presence[before + 1 : after] = Presence.INTERPOLATED
    return replace(track, points=points, presence=presence)


def _between(ends: np.ndarray, count: int) -> np.ndarray:
    pose = fit_pose(ends)
    canonical = to_canonical(ends, pose)
    share = (np.arange(1, count + 1) / (count + 1)).astype(np.float32)
    turn = Slerp([0.0, 1.0], Rotation.from_matrix(pose.rotation))(share).as_matrix().astype(np.float32)
    scale = pose.scale[0] ** (1 - share) * pose.scale[1] ** share
    shift = (1 - share)[:, None] * pose.translation[0] + share[:, None] * pose.translation[1]
    shape = (1 - share)[:, None, None] * canonical[0] + share[:, None, None] * canonical[1]
    return from_canonical(shape, RigidPose(turn, scale, shift))
