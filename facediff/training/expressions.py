"""Fits the expressions that have a name: what a smile is, over people who were asked for one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import BROW_LINE
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral

MOUTH_CORNERS = (61, 291)
OPENED = 0.15  # eye distances between the lips at strength 1
RAISED = 0.05  # eye distances by which brows go up at strength 1


def fit_smile(people: Iterable[NDArray[np.floating]]) -> NDArray[np.float32]:
    """The motion (31,) of a smile: the median, over people, of what it does to a serious face.

    Args:
        people: Landmarks (2, 478, 3) of two portraits of each person, one serious and one smiling, in either order.
    """
    changes = []
    for points in people:
        canonical, pose = canonicalise(points)
        width = np.linalg.norm(canonical[:, MOUTH_CORNERS[0]] - canonical[:, MOUTH_CORNERS[1]], axis=-1)
        serious, smiling = np.argsort(width)
        motion = FaceRig.from_shape(fit_neutral(canonical[serious][None]), pose).encode(np.asarray(points))
        changes.append(motion[smiling] - motion[serious])
    smile = np.median(changes, axis=0).astype(np.float32)
    smile[coefficients.ANGLES] = smile[coefficients.SHIFT] = smile[coefficients.GAZE] = 0.0
    smile[coefficients.LIDS] = smile[coefficients.LIDS].mean()
    return smile


def fit_mouth_open(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """The motion (31,) that parts the lips by ``OPENED``: what lips do as they part, over motions (N, 31)."""
    opening = motion[:, coefficients.OPENING] - motion[:, coefficients.OPENING].mean()
    lips = motion[:, coefficients.LIPS] - motion[:, coefficients.LIPS].mean(axis=0)
    opened = np.zeros(coefficients.DIMENSIONS, np.float32)
    opened[coefficients.LIPS] = OPENED * (opening * lips).sum(axis=0) / (opening**2).sum()
    opened[coefficients.OPENING] = OPENED
    return opened


def fit_brows_up() -> NDArray[np.float32]:
    """The motion (31,) that raises both brows by ``RAISED``, as nearly as the basis can."""
    directions = coefficients.basis().brows[:, BROW_LINE]
    wanted = np.zeros(directions.shape[1:])
    wanted[:, 1] = -RAISED
    raised = np.zeros(coefficients.DIMENSIONS, np.float32)
    flat = directions.reshape(len(directions), -1)
    raised[coefficients.BROWS] = np.linalg.lstsq(flat.T, wanted.ravel(), rcond=None)[0]
    return raised
