"""Landmarks without jitter and without lag: filters that look both ways in time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.landmarks.canonical import canonicalise, from_canonical, mean_face
from facediff.landmarks.mesh import LEFT_BROW, LEFT_EYE, MESH_POINTS, OUTER_EYES, RIGHT_BROW, RIGHT_EYE
from facediff.types import FaceTrack, Presence, RigidPose

# By which a cut is told. Fit by, seen on, range tried: unknown; tests hold that heads that turn and nod are no cuts.
SHOT_JUMP = 0.6  # eye distances from one frame to the next: a cut, not a movement
SHOT_ZOOM = 1.25  # so is such a change of the face's size
# So is such a change of where its points lie around its middle, root mean square: somebody else at the same place. Fit
# by: 14 training clips, whose quickest frames have 0.052, and two cuts of 0.084 and 0.096. Range tried: none.
SHOT_CHANGE = 0.07


def split_at_cuts(track: FaceTrack) -> list[slice]:
    """Runs of frames with a face and without a cut between them."""
    usable = track.usable
    centre = track.points[:, :MESH_POINTS, :2].mean(1)
    unit = np.linalg.norm(track.points[:, OUTER_EYES[0]] - track.points[:, OUTER_EYES[1]], axis=-1)
    with np.errstate(invalid="ignore"):
        cut = np.linalg.norm(np.diff(centre, axis=0), axis=1) > SHOT_JUMP * unit[:-1]
        cut |= np.abs(np.diff(np.log(unit))) > np.log(SHOT_ZOOM)
        around = (track.points[:, :MESH_POINTS, :2] - centre[:, None]) / unit[:, None, None]
        cut |= np.sqrt((np.diff(around, axis=0) ** 2).sum(-1).mean(1)) > SHOT_CHANGE
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
    track: FaceTrack, *, pose_s: float = 0.06, shape_s: float = 0.03, firm_s: float = 0.06
) -> tuple[FaceTrack, NDArray[np.float32], RigidPose]:
    """A steadier track, its canonical landmarks (T, 478, 3) and its head poses; NaN where the face is absent.

    Args:
        track: As tracked.
        pose_s: Jitter of the head shorter than this goes.
        shape_s: Jitter of lips, jaw, lids and brows shorter than this goes; small, since they are quick.
        firm_s: The same for nose, forehead and temples, which move with the head only.
    """
    if (track.presence != Presence.ABSENT).sum() == 0:
        raise ValueError("the track has no face in it")
    canonical, pose = canonicalise(track.points)
    for run in split_at_cuts(track):
        part = smooth_pose(pose.take(run), pose_s, track.fps)
        pose.rotation[run], pose.scale[run], pose.translation[run] = part.rotation, part.scale, part.translation
        if track.fps and run.stop - run.start >= 3:
            light, strong = (_smooth(canonical[run], s * track.fps / 2) for s in (shape_s, firm_s))
            canonical[run] = light + _firmness()[:, None] * (strong - light)
    return replace(track, points=from_canonical(canonical, pose)), canonical, pose


def measure_shape_apart(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """How far two faces (478, 3) in canonical units differ where expression hardly moves them: in eye distances."""
    apart = ((np.asarray(one) - other)[:, :2] ** 2).sum(axis=1)
    return float(np.sqrt((_firmness() * apart).sum() / _firmness().sum()))


def _smooth(values: NDArray[np.floating], sigma: float) -> NDArray[np.floating]:
    return gaussian_filter1d(values, sigma, axis=0, mode="nearest") if sigma > 0 else values


@cache
def _firmness() -> NDArray[np.float32]:
    """(478,) 1 for the points that expression hardly moves, 0 for those it moves quickly, and some in between."""
    face = mean_face()
    base_of_nose = face[2, 1]
    firm = np.clip((base_of_nose - face[:, 1]) / 0.3, 0.0, 1.0)
    moving = face[np.concatenate([RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW]), :2]
    near = np.linalg.norm(face[:, None, :2] - moving, axis=-1).min(1)
    firm = firm * np.clip(near / 0.15, 0.0, 1.0)
    firm[MESH_POINTS:] = 0.0  # irises
    return firm.astype(np.float32)
