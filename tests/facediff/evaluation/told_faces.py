"""Faces that do as they are told, and pictures of them, to measure."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.canonical import mean_face
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.types import FaceTrack, Presence, RigidPose

FPS, SIZE = 25.0, (400, 300)


def face(motion: np.ndarray, scale: float = 100.0, centre: tuple[float, float] = (200, 130)) -> FaceTrack:
    """The mean face making a motion (T, 31), its eyes ``scale`` pixels apart."""
    where = np.array([[*centre, 0]], np.float32)
    pose = RigidPose(np.eye(3, dtype=np.float32)[None], np.array([scale], np.float32), where)
    points = FaceRig.from_shape(fit_neutral(mean_face()[None]), pose).points(motion)
    return FaceTrack(points, np.full(len(motion), Presence.FOUND, np.uint8), SIZE, FPS)


def at_rest(frames: int) -> np.ndarray:
    """A motion (T, 31) in which nothing moves."""
    return np.zeros((frames, coefficients.DIMENSIONS), np.float32)


def speaking(opening: np.ndarray, scale: float = 100.0) -> FaceTrack:
    """A face whose lips are apart by so much (T,), in eye distances, over what they are at rest."""
    track = face(at_rest(len(opening)), scale)
    points = track.points + (scale * opening)[:, None, None] * coefficients.basis().opening
    return FaceTrack(points.astype(np.float32), track.presence, track.size, track.fps)


def without(track: FaceTrack, rows: slice, presence: Presence = Presence.ABSENT) -> FaceTrack:
    """A track that has no face in some frames."""
    points, found = track.points.copy(), track.presence.copy()
    found[rows] = presence
    if presence is Presence.ABSENT:
        points[rows] = np.nan
    return FaceTrack(points, found, track.size, track.fps)
