"""How far irises have to be carried to be read where they are wanted.

Whoever reads landmarks takes eyes that look aside to do so less than they do, and eyes that were turned to have turned
less than they have: both keep near what the rest of the face suggests. So a picture is turned, read, and turned on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import fit_pose, from_canonical, to_canonical
from facediff.landmarks.detection import LandmarkDetector, make_detector
from facediff.landmarks.follower import refine_landmarks
from facediff.motion.coefficients import look, read_gaze
from facediff.rendering.warping.eyes import turn_eyes
from facediff.types import Frame, RigidPose

ROUNDS = 7  # how often a picture is turned on
MOST = np.array([2.5, 2.0])  # and how many times as far as is read, across and down; by eye
MOST_LASTING = np.array([2.5, 1.0])  # the same where eyes turn once and stay: see ``measure_eye_response``
FURTHEST = 0.18  # eye widths that irises are carried beyond what is read, all in all: with more, eyes cross; by eye
STEP = 0.9  # of what is still missed, by which the next try goes on
REACH = np.array([0.24, 0.12])  # eye widths from the middle of an eye that irises come to at most; by eye
KNEE = 4  # how suddenly they come to a stop there: at half of it they go as they would have by a hundredth
LOOKS = np.array([[0.06, 0.0], [0.0, 0.03]])  # eye widths: turns that are tried where eyes go to and fro


def measure_eye_response(
    picture: Frame, canonical: NDArray[np.floating], pose: RigidPose, turned: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The matrix (2, 2) that makes of a turn of the eyes how far irises are carried.

    Args:
        picture: A face, (H, W, 3).
        canonical: Its landmarks (478, 3) without the head pose.
        pose: Its head pose, one row.
        turned: (T, 2) by how much eyes are to turn, in eye widths. Where all turn much alike, that is what is tried.

    Across, readers see 0.7 to 1 of a turn. Of up and down they see a sixth, and of a face that looks into the lens with
    eyes wide open that it looks down: of 14 people of the training clips, three were turned away from the lens by going
    on until they were read as looking into it. So eyes that turn once are carried up and down no farther than is read.
    """
    turned = np.asarray(turned, np.float64)[np.isfinite(turned).all(axis=1)]
    if not turned.any():
        return np.eye(2, dtype=np.float32)
    mean, spread = np.median(turned, axis=0), turned.std(axis=0)
    tries = [mean] if np.linalg.norm(mean) > max(float(np.linalg.norm(spread)), float(LOOKS.max()) / 2) else LOOKS
    library = make_detector(None, follows_motion=True, max_faces=1)
    try:
        most = MOST_LASTING if len(tries) == 1 else MOST
        carried = np.stack([_carry(library, picture, canonical, pose, one, most) for one in tries])
    finally:
        library.close()
    if len(tries) == 2:
        return np.linalg.solve(LOOKS, carried).T.astype(np.float32)
    along = np.outer(mean, mean) / (mean @ mean)
    return (np.outer(carried[0], mean) / (mean @ mean) + np.eye(2) - along).astype(np.float32)


def carry_irises(
    turned: NDArray[np.floating], response: NDArray[np.floating], shown: NDArray[np.floating]
) -> NDArray[np.floating]:
    """How far (..., 2) irises are carried for a turn of the eyes, in eye widths, no farther than into their corners.

    Args:
        turned: (..., 2) by how much eyes are to turn.
        response: Of ``measure_eye_response``, which is of small turns.
        shown: (..., 2) where irises are in the picture, from the middle of the eye.
    """
    return _stop(shown + turned @ response.T) - _stop(shown)


def _stop(gaze: NDArray[np.floating]) -> NDArray[np.floating]:
    return gaze / (1 + np.abs(gaze / REACH) ** KNEE) ** (1 / KNEE)


def _carry(
    library: LandmarkDetector,
    picture: Frame,
    canonical: NDArray[np.floating],
    pose: RigidPose,
    turned: NDArray[np.floating],
    most: NDArray[np.floating],
) -> NDArray[np.floating]:
    """How far (2,) irises are carried, so that they are read as turned by so much; so many times as far at most."""
    shown = from_canonical(canonical[None], pose)[0]

    def read(image: Frame) -> NDArray[np.floating] | None:
        _, points = refine_landmarks(library, image, shown)
        if points is None:
            return None
        found = np.asarray(points, np.float32)[None]
        return read_gaze(to_canonical(found, fit_pose(found, canonical)))[0]

    plain, tried = read(picture), turned
    carried, least = tried, np.inf
    for _ in range(ROUNDS):
        points = from_canonical(look(canonical[None], tried[None]), pose)[0]
        got = read(turn_eyes(picture, points, shown))
        if plain is None or got is None:
            break
        missed = turned - (got - plain)
        if (off := float(np.linalg.norm(missed))) < least:
            carried, least = tried, off
        tried = tried + STEP * missed
        end = np.maximum(np.abs(turned), np.minimum(most * np.abs(turned), FURTHEST))
        tried = np.clip(tried, -end, end)
    return carried
