"""Short absences of a face, filled in between what was seen before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from facediff.landmarks.canonical import fit_pose, from_canonical, to_canonical
from facediff.types import FaceTrack, Points, Presence, RigidPose

# What a head can do in a gap. Fit by, seen on, range tried: unknown.
MAX_SPEED = 8.0  # eye distances a second: a face that comes back from further away came by a cut
MAX_ZOOM = 1.6  # as does one that comes back so many times as large, or as small


def fill_gaps(track: FaceTrack, max_gap_s: float = 0.5) -> FaceTrack:
    """The track with its short gaps interpolated, head pose and expression apart.

    Args:
        track: Some frames of which are absent.
        max_gap_s: Longer gaps, those at either end, and those across a cut stay absent.
    """
    found = np.flatnonzero(track.presence == Presence.FOUND)
    points, presence = track.points.copy(), track.presence.copy()
    for before, after in zip(found[:-1], found[1:], strict=True):
        gap = after - before - 1
        if gap == 0 or gap > max_gap_s * track.fps:
            continue
        ends = track.points[[before, after]]
        pose = fit_pose(ends)
        if _is_one_movement(pose, (gap + 1) / track.fps):
            points[before + 1 : after] = _interpolate(ends, pose, gap)
            presence[before + 1 : after] = Presence.INTERPOLATED
    return replace(track, points=points, presence=presence)


def _is_one_movement(ends: RigidPose, seconds: float) -> bool:
    """Whether a head can have gone from the first of two poses to the second."""
    smaller, larger = np.sort(ends.scale)
    way = float(np.linalg.norm((ends.translation[1] - ends.translation[0])[:2])) / smaller
    return bool(way < max(1.0, MAX_SPEED * seconds) and larger / smaller < MAX_ZOOM)


def _interpolate(ends: Points, pose: RigidPose, count: int) -> NDArray[np.float32]:
    canonical = to_canonical(ends, pose)
    share = (np.arange(1, count + 1) / (count + 1)).astype(np.float32)
    turn = Slerp([0.0, 1.0], Rotation.from_matrix(pose.rotation))(share).as_matrix().astype(np.float32)
    scale = pose.scale[0] ** (1 - share) * pose.scale[1] ** share
    shift = (1 - share)[:, None] * pose.translation[0] + share[:, None] * pose.translation[1]
    shape = (1 - share)[:, None, None] * canonical[0] + share[:, None, None] * canonical[1]
    return from_canonical(shape, RigidPose(turn, scale, shift))
