"""How far made mouths are from real ones as a whole: a Fréchet distance over features of our own codec."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from facediff.errors import InputError
from facediff.evaluation.networks.embedded import Looks, look
from facediff.landmarks.alignment import MOUTH
from facediff.models.codec import FaceCodec
from facediff.types import FaceTrack, Frame

SPAN, STRIDE = 8, 4  # frames of which one feature is made, and frames from one to the next
COMPONENTS = 24
CELLS = (4, 5)  # of the window, in each of which latents are averaged


def mouth_features(frames: Iterable[Frame], track: FaceTrack, codec: FaceCodec) -> NDArray[np.float32]:
    """Features (N, D) of a video: of each eight frames what mouths look like, how detailed, and how they change.

    The codec's latents of the mouth window, in each of 4×5 cells: their mean, their deviation over the cell, and the
    root mean square of their differences from frame to frame.

    Args:
        frames: Of the video.
        track: Of the face in it; runs of frames without one give no features.
        codec: Whose latents they are.
    """
    return run_features(look(frames, track, codec, template=MOUTH, grid=CELLS))


def run_features(looks: Looks) -> NDArray[np.float32]:
    """Features (N, D) of runs of eight frames: pooled latents, their deviation, and how they change in time."""
    features = []
    for start in range(0, len(looks) - SPAN + 1, STRIDE):
        run = slice(start, start + SPAN)
        if np.isfinite(looks.mean[run]).all():
            change = np.sqrt(looks.change[start + 1 : start + SPAN].mean(axis=0))
            features.append(
                np.concatenate([looks.mean[run].mean(axis=0), looks.deviation[run].mean(axis=0), change], axis=None)
            )
    return np.array(features, np.float32)


@dataclass(frozen=True)
class FrechetSpace:
    """The directions in which real footage varies, in which features are compared.

    Attributes:
        mean: (D,) of the features; ``deviation`` (D,).
        deviation: See ``mean``.
        directions: (D, K) of the standardised features.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def of(cls, footage: NDArray[np.float32]) -> FrechetSpace:
        """The space of the features (N, D) of real footage.

        Raises:
            InputError: There is too little of it.
        """
        _check(footage)
        mean, deviation = footage.mean(axis=0), footage.std(axis=0) + 1e-6
        _, _, directions = np.linalg.svd((footage - mean) / deviation, full_matrices=False)
        return cls(mean, deviation, directions[:COMPONENTS].T)

    def distance(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        """Of two sets of features, (N, D) and (M, D), over the number of directions.

        Raises:
            InputError: There is too little of either.
        """
        for features in (one, other):
            _check(features)
        first, second = ((f - self.mean) / self.deviation @ self.directions for f in (one, other))
        return frechet_distance(first, second) / COMPONENTS


def _check(features: NDArray[np.float32]) -> None:
    if len(features) <= COMPONENTS:
        raise InputError(f"a Fréchet distance needs more than {COMPONENTS} features, not {len(features)}")


def frechet_distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Of two Gaussians fitted to (N, K) and (M, K): |μ - ν|² + tr(Σ + Τ - 2 (ΣΤ)^½).

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (NeurIPS 2017), equation 6.
    """
    mean = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (one, other))
    root = np.real(sqrtm(first @ second))
    distance = float(mean @ mean + np.trace(first) + np.trace(second) - 2 * np.trace(root))
    return max(0.0, distance)  # of equal sets it is 0 but for rounding


def polynomial_distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Squared maximum mean discrepancy of two sets (N, D) and (M, D), unbiased, kernel (x·y / D + 1)³.

    Source: Bińkowski et al., "Demystifying MMD GANs" (ICLR 2018); over features of videos it is Unterthiner's KVD.
    """
    first, second = (np.asarray(features, np.float64) for features in (one, other))
    inside = []
    for features in (first, second):
        count, kernel = len(features), (features @ features.T / features.shape[1] + 1) ** 3
        inside.append((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
    between = (first @ second.T / first.shape[1] + 1) ** 3
    return float(inside[0] + inside[1] - 2 * between.mean())


def inception_score(chances: NDArray[np.floating]) -> float:
    """The exponential of the mean of KL(p(y|x) || p(y)) of probabilities (N, classes), one set without splits.

    Source: Salimans et al., "Improved Techniques for Training GANs" (NeurIPS 2016).
    """
    chances = np.clip(np.asarray(chances, np.float64), 1e-16, None)
    chances /= chances.sum(axis=1, keepdims=True)
    return float(np.exp((chances * (np.log(chances) - np.log(chances.mean(axis=0)))).sum(axis=1).mean()))


def crps(samples: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Continuous ranked probability score of samples (S, ...) of a truth (...): E|X - y| - ½ E|X - X'|, mean over all.

    Source: Gneiting and Raftery, "Strictly Proper Scoring Rules" (JASA 2007), the empirical distribution's.
    """
    samples, truth = np.asarray(samples, np.float64), np.asarray(truth, np.float64)
    ranked, count = np.sort(samples, axis=0), len(samples)
    weights = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *[1] * truth.ndim)
    spread = (weights * ranked).sum(axis=0) / count**2  # half of the mean distance of two draws
    return float((np.abs(samples - truth).mean(axis=0) - spread).mean())
