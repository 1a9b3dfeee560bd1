"""Fits the motion basis: what lower faces and brows do, over all people of the training clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.motion.coefficients import lip_opening

DEPTH_WEIGHT = 0.5  # the depth of a mesh found in one picture is uncertain


def mirror_order() -> NDArray[np.intp]:
    """(478,) index of each landmark's mirror image: where the mean face's reflection falls."""
    from scipy.optimize import linear_sum_assignment

    face = mean_face().astype(np.float64)
    distance = np.linalg.norm((face * [-1, 1, 1])[:, None] - face[None], axis=-1)
    return linear_sum_assignment(distance**2)[1]


def _ramp(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float32]:
    x = np.clip((values - low) / (high - low), 0, 1)
    return (x * x * (3 - 2 * x)).astype(np.float32)


def fit_basis(
    people: Iterable[list[NDArray[np.float32]]], *, lips: int = 16, brows: int = 4, per_person: int = 300
) -> dict[str, NDArray[np.float32]]:
    """The tensors of ``MotionBasis``, scaled so that coefficients have unit deviation.

    Args:
        people: For each person, landmark tracks (T, 478, 3) in pixels of clips in which they move.
        lips: Directions for the lower face.
        brows: Directions for the brows.
        per_person: Frames each person counts for at most.
    """
    face = mean_face()
    lower = _ramp(face[:, 1], 0.42, 0.62)
    upper = (1 - _ramp(face[:, 1], -0.12, -0.02)) * _ramp(face[:, 1], -0.6, -0.35)
    offsets, gaps = [], []
    for tracks in people:
        parts, opened = [], []
        for points in tracks:
            points = points[np.isfinite(points[:, 0, 0])]
            if len(points) < 10:
                continue
            canonical, _ = canonicalise(points)
            parts.append(canonical - np.median(canonical, axis=0))
            gap = lip_opening(canonical)
            opened.append(gap - np.median(gap))
        if parts:
            moved, gap = np.concatenate(parts), np.concatenate(opened)
            keep = np.linspace(0, len(moved) - 1, min(per_person, len(moved))).astype(int)
            offsets.append(moved[keep])
            gaps.append(gap[keep])
    moved, gap = np.concatenate(offsets), np.concatenate(gaps)
    order = mirror_order()
    mirrored = moved[:, order] * np.array([-1, 1, 1], np.float32)
    moved, gap = np.concatenate([moved, mirrored]), np.concatenate([gap, gap])
    opening = np.einsum("t,tni->ni", gap, moved * lower[:, None]) / (gap**2).sum()
    return {
        "lips": _principal(moved, lower, lips),
        "brows": _principal(moved, upper, brows),
        "opening": opening.astype(np.float32),
        "lower": lower,
    }


def _principal(moved: NDArray[np.floating], weight: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Principal directions (count, 478, 3) of weighted offsets, times their standard deviations."""
    metric = np.array([1, 1, DEPTH_WEIGHT], np.float32)
    flat = (moved * weight[:, None] * metric).reshape(len(moved), -1)
    covariance = (flat.T @ flat / len(flat)).astype(np.float64)
    values, vectors = np.linalg.eigh(covariance)
    top = np.argsort(values)[::-1][:count]
    directions = (vectors[:, top] * np.sqrt(values[top])).T.reshape(count, -1, 3) / metric
    return directions.astype(np.float32)


def keep_axes(
    fitted: Mapping[str, NDArray[np.float32]], known: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """A basis of the same faces, turned until its axes mean what those of a known one mean, as nearly as they can.

    Which axes span what lips do is a matter of convention: turned together, coefficients of unit deviation that do not
    correlate stay so, and what was said or learnt in the known ones goes on to hold (orthogonal Procrustes).

    Args:
        fitted: What ``fit_basis`` made.
        known: A basis of as many directions.
    """
    metric = np.array([1, 1, DEPTH_WEIGHT], np.float32)
    turned = dict(fitted)
    for part in ("lips", "brows"):
        new, old = ((one[part] * metric).reshape(len(one[part]), -1) for one in (fitted, known))
        left, _, right = np.linalg.svd(old @ new.T)
        turned[part] = np.einsum("kj,jni->kni", left @ right, fitted[part]).astype(np.float32)
    return turned
