"""How far made mouths are from real ones as a whole: a Fréchet distance over features of our own codec."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from facediff.errors import InputError
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise
from facediff.models.codec import FaceCodec
from facediff.types import FaceTrack, Frame

SPAN, STRIDE = 8, 4  # frames of which one feature is made, and frames from one to the next
COMPONENTS = 24
CELLS = (4, 5)  # of the window, in each of which latents are averaged


@torch.inference_mode()
def mouth_features(frames: Iterable[Frame], track: FaceTrack, codec: FaceCodec) -> NDArray[np.float32]:
    """Features (N, D) of a video: of each eight frames what mouths look like, how detailed, and how they change.

    The codec's latents of the mouth window, in each of 4×5 cells: their mean, their deviation over the cell, and the
    root mean square of their differences from frame to frame.

    Args:
        frames: Of the video.
        track: Of the face in it; runs of frames without one give no features.
        codec: Whose latents they are.
    """
    _, pose = canonicalise(track.points)
    alignment = align(pose, MOUTH)
    cells: list[NDArray[np.float32] | None] = []
    for row, frame in zip(range(len(track)), frames, strict=False):
        if not track.usable[row]:
            cells.append(None)
            continue
        crop = torch.from_numpy(alignment.crop(frame, row)).permute(2, 0, 1)[None].float() / 127.5 - 1
        latents = codec.encode(crop.to(codec.device, codec.dtype)).float()
        places = torch.nn.functional.unfold(latents, _cell(latents), stride=_cell(latents))
        cells.append(places[0].unflatten(0, (latents.shape[1], -1)).permute(0, 2, 1).cpu().numpy())  # (L, cell, place)
    features = []
    for start in range(0, len(cells) - SPAN + 1, STRIDE):
        run = [cell for cell in cells[start : start + SPAN] if cell is not None]
        if len(run) == SPAN:
            shown = np.stack(run)
            change = np.sqrt(np.square(np.diff(shown, axis=0)).mean(axis=(0, 3)))
            features.append(
                np.concatenate([shown.mean(axis=(0, 3)), shown.std(axis=3).mean(axis=0), change], axis=None)
            )
    return np.array(features, np.float32)


def _cell(latents: torch.Tensor) -> tuple[int, int]:
    return latents.shape[2] // CELLS[0], latents.shape[3] // CELLS[1]


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
    return float(mean @ mean + np.trace(first) + np.trace(second) - 2 * np.trace(root))
