"""Where a face is, measured: how often it is found, how far its landmarks are from the truth's, how it lives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import LEFT_LIDS, MESH_POINTS, OUTER_EYES, RIGHT_LIDS
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack, Presence

# What expression hardly moves and every face shows: eye corners, nose bridge, the middle of the forehead, temples.
ANCHORS = np.array([33, 133, 263, 362, 168, 6, 197, 10, 151, 9, 8, 127, 356])
# Corners, middles and quarters of both lips, outside and, of the first two, inside.
MOUTH = np.array([61, 291, 0, 17, 13, 14, 78, 308, 37, 267, 84, 314, 40, 270, 91, 321])
SHUT = 0.6  # of the usual gap between the lids: below it they are shut
LEAST_FRAMES = 5


class LandmarkDistance(NamedTuple):
    """Mean distance from the truth's landmarks, in percent of its eye distance; 0 is best."""

    mouth: float
    face: float


def seen(track: FaceTrack) -> NDArray[np.bool_]:
    """(T,) whether a face was found in a frame; what was filled in between such frames does not count."""
    return track.presence == Presence.FOUND


def face_rate(track: FaceTrack) -> float:
    """Share of frames in which a face is found, from 0 to 1."""
    return float(seen(track).mean())


def eye_distance(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Distance (...) of the outer eye corners of landmarks (..., 478, 2 or 3), in their unit and dimensions."""
    right, left = OUTER_EYES
    distance: NDArray[np.floating] = np.linalg.norm(points[..., right, :] - points[..., left, :], axis=-1)
    return distance


def similarity(moving: NDArray[np.floating], fixed: NDArray[np.floating]) -> NDArray[np.float64]:
    """The similarity (2, 3) that takes points (N, 2) nearest to others (N, 2), least squares; two points exactly.

    In complex numbers it is z → a z + b with a = Σ conj(z) w / Σ |z|² of the centred points z and w.
    """
    z, w = (np.asarray(p, np.float64)[:, 0] + 1j * np.asarray(p, np.float64)[:, 1] for p in (moving, fixed))
    a = ((z - z.mean()).conj() * (w - w.mean())).sum() / (np.abs(z - z.mean()) ** 2).sum()
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def landmark_distance(made: FaceTrack, truth: FaceTrack) -> LandmarkDistance | None:
    """How far a face's landmarks are from the truth's, frame by frame, head motion aside; None where never both show.

    In each frame the points of ``ANCHORS`` are laid over the truth's by the best similarity in the plane; what is then
    left between the others, over the truth's eye distance, is the landmark distance of Chen et al., "Lip Movements
    Generation at a Glance" (ECCV 2018), normalised.
    """
    count = min(len(made), len(truth))
    rows = np.flatnonzero(seen(made)[:count] & seen(truth)[:count])
    if not len(rows):
        return None
    found = []
    for row in rows:
        ours, theirs = made.points[row, :, :2], truth.points[row, :, :2]
        matrix = similarity(ours[ANCHORS], theirs[ANCHORS])
        apart = np.linalg.norm(ours @ matrix[:, :2].T + matrix[:, 2] - theirs, axis=1) / eye_distance(theirs)
        found.append((apart[MOUTH].mean(), apart[:MESH_POINTS].mean()))
    mouth, face = 100 * np.mean(found, axis=0)
    return LandmarkDistance(float(mouth), float(face))


def blinks_per_minute(track: FaceTrack) -> float | None:
    """How often the lids fall shut; None where a face is hardly seen. People blink some 10 to 20 times a minute.

    A blink begins where the gap between the lids, over the eye distance, falls below ``SHUT`` of its median.
    """
    if seen(track).sum() < LEAST_FRAMES:
        return None
    gaps = [np.linalg.norm(track.points[:, a] - track.points[:, b], axis=-1) for a, b in (RIGHT_LIDS, LEFT_LIDS)]
    gap = np.where(seen(track), np.mean(gaps, axis=0) / eye_distance(track.points), np.nan)
    shut = gap < SHUT * np.nanmedian(gap)
    return float((shut[1:] & ~shut[:-1]).sum() / (len(track) / track.fps) * 60)


def pose_spread(track: FaceTrack) -> tuple[float, float, float] | None:
    """Standard deviation of yaw, pitch and roll over time, in degrees; None where a face is hardly seen.

    The angles are those of the rigid pose that is fitted to points which expression hardly moves, so that a chin that
    drops in speech is no nod.
    """
    rows = seen(track)
    if rows.sum() < LEAST_FRAMES:
        return None
    yaw, pitch, roll = encode_motion(track.points[rows])[:, coefficients.ANGLES].std(axis=0)
    return float(yaw), float(pitch), float(roll)
