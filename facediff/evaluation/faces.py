"""Where a face is, measured: how often it is found, how far its landmarks are from the truth's, how it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.landmarks.mesh import LEFT_LIDS, MESH_POINTS, OUTER_EYES, RIGHT_LIDS
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

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


def face_rate(track: FaceTrack) -> float:
    """Share of frames in which a face is found, from 0 to 1."""
    return float(track.seen.mean())


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
    found = landmark_distances(made, truth)
    if not np.isfinite(found).any():
        return None
    mouth, face = np.nanmean(found, axis=0)
    return LandmarkDistance(float(mouth), float(face))


def landmark_distances(made: FaceTrack, truth: FaceTrack) -> NDArray[np.float64]:
    """``landmark_distance`` of each frame (T, 2), mouth and face; NaN where not both show one."""
    count = min(len(made), len(truth))
    found = np.full((count, 2), np.nan)
    for row in np.flatnonzero(made.seen[:count] & truth.seen[:count]):
        ours, theirs = made.points[row, :, :2], truth.points[row, :, :2]
        matrix = similarity(ours[ANCHORS], theirs[ANCHORS])
        apart = np.linalg.norm(ours @ matrix[:, :2].T + matrix[:, 2] - theirs, axis=1) / eye_distance(theirs)
        found[row] = 100 * apart[MOUTH].mean(), 100 * apart[:MESH_POINTS].mean()
    return found


def blinks_per_minute(track: FaceTrack) -> float | None:
    """How often the lids fall shut; None where a face is hardly seen. People blink some 10 to 20 times a minute.

    A blink begins where the gap between the lids, over the eye distance, falls below ``SHUT`` of its median.
    """
    if track.seen.sum() < LEAST_FRAMES:
        return None
    gaps = [np.linalg.norm(track.points[:, a] - track.points[:, b], axis=-1) for a, b in (RIGHT_LIDS, LEFT_LIDS)]
    gap = np.where(track.seen, np.mean(gaps, axis=0) / eye_distance(track.points), np.nan)
    shut = gap < SHUT * np.nanmedian(gap)
    return float((shut[1:] & ~shut[:-1]).sum() / (len(track) / track.fps) * 60)


def pose_spread(track: FaceTrack) -> tuple[float, float, float] | None:
    """Standard deviation of yaw, pitch and roll over time, in degrees; None where a face is hardly seen.

    The angles are those of the rigid pose that is fitted to points which expression hardly moves, so that a chin that
    drops in speech is no nod.
    """
    rows = track.seen
    if rows.sum() < LEAST_FRAMES:
        return None
    yaw, pitch, roll = encode_motion(track.points[rows])[:, coefficients.ANGLES].std(axis=0)
    return float(yaw), float(pitch), float(roll)


@metric("face_rate", best=Best.HIGH)
def _face_rate(case: Case) -> float:
    """Share of frames in which a face is found.

    Formula: frames with a face / frames
    Source: facediff
    Range: 0 to 1; 1 in films of one person
    """
    return face_rate(case.track)


def _landmarks(case: Case) -> NDArray[np.float64]:
    return landmark_distances(case.track, case.against().track)


@metric("lmd_mouth", best=Best.LOW, needs=Need.TRUTH)
def _lmd_mouth(case: Case) -> Curve:
    """Distance of the mouth's landmarks from the truth's, in percent of its eye distance.

    Formula: mean over frames and 16 points of the mouth of |p - q| / eye distance, after the best similarity over 13
    points that expression hardly moves
    Source: Chen et al., "Lip Movements Generation at a Glance" (ECCV 2018), normalised; published LMD is in pixels
    Range: 0 and more; two trackings of one film differ by some 0.3
    """
    return Curve.mean(case.once(_landmarks)[:, 0])


@metric("lmd_face", best=Best.LOW, needs=Need.TRUTH)
def _lmd_face(case: Case) -> Curve:
    """Likewise, of all landmarks.

    Formula: as lmd_mouth, over 468 points
    Source: as lmd_mouth
    Range: 0 and more
    """
    return Curve.mean(case.once(_landmarks)[:, 1])


@metric("blink_per_min", best=Best.TRUE)
def _blinks(case: Case) -> float | None:
    """Blinks a minute.

    Formula: how often the gap between the lids, over the eye distance, falls below 0.6 of its median, a minute
    Source: facediff
    Range: 0 and more; people blink 10 to 20 times
    """
    return blinks_per_minute(case.track)


def _spread(case: Case) -> tuple[float, float, float] | None:
    return pose_spread(case.track)


@metric("pose_std_deg", best=Best.TRUE)
def _pose(case: Case) -> tuple[float, float, float] | None:
    """Spread of the head's yaw, pitch and roll, in degrees.

    Formula: standard deviation over time of each angle of the rigid pose fitted to stable points
    Source: after Zhang et al., "SadTalker" (CVPR 2023), who take the spread of a pose network's features
    Range: 0 and more; speakers show 1 to 8
    """
    return case.once(_spread)


@metric("head_diversity", best=Best.TRUE)
def _diversity(case: Case) -> float | None:
    """How much the head moves: the mean of those three.

    Formula: (std yaw + std pitch + std roll) / 3, degrees
    Source: as pose_std_deg
    Range: 0 and more; 0 is a head that is held still
    """
    spread = case.once(_spread)
    return None if spread is None else float(np.mean(spread))
