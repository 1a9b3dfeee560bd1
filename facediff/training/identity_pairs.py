"""Pairs for the video autoencoder: a face to be made, and another moment to learn from who it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.datasets.array_cache import fill_cache
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE, warp_affine
from facediff.landmarks.correspondence import face_coordinates
from facediff.landmarks.raster import FACE_MAPS, FACE_STEP, draw_face
from facediff.training.coarse_pairs import place_in_window, random_tones, random_window
from facediff.training.faces import FaceCrops
from facediff.training.motion_basis import mirror_order

REACH = 0.12  # eye distances around the face oval that are the person: ears, hair line, the edge of the jaw
SAME = 0.2  # share of the pairs of a video whose two moments are one
_WIDTH, _HEIGHT = FACE.size
LAYOUT: dict[str, tuple[tuple[int, ...], type]] = {
    "target": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "other": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "mask": ((_HEIGHT // 8, _WIDTH // 8), np.uint8),
    "maps": ((FACE_MAPS, _HEIGHT // FACE_STEP, _WIDTH // FACE_STEP), np.uint8),
    "coordinates": ((2, _HEIGHT // 8, _WIDTH // 8), np.float16),
    "other_coordinates": ((2, _HEIGHT // 8, _WIDTH // 8), np.float16),
    "points": ((478, 3), np.float32),
    "row": ((), np.int64),
}


@dataclass(frozen=True)
class IdentityPair:
    """One training example.

    Attributes:
        target: The face to be made (224, 224, 3) uint8.
        other: Another moment of the same video, or another portrait of the same person.
        mask: (28, 28) uint8, how much of each latent of the target is the person.
        maps: (4, 56, 56) uint8 of the target, see ``draw_face``.
        coordinates: (2, 28, 28) of the target, see ``face_coordinates``; ``other_coordinates`` those of ``other``.
        points: Landmarks (478, 3) of the target in pixels of the crop.
        row: Which crop the target is.
    """

    target: NDArray[np.uint8]
    other: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    maps: NDArray[np.uint8]
    coordinates: NDArray[np.float32]
    other_coordinates: NDArray[np.float32]
    points: NDArray[np.float32]
    row: int


class IdentityPairs:
    """Makes pairs of cached crops.

    Args:
        crops: What ``build_face_cache`` made.
    """

    def __init__(self, crops: FaceCrops) -> None:
        self._crops = crops
        self._groups = crops.group()  # portraits go by person: two of them, one serious and one smiling, are a pair
        self._cumulative = np.cumsum(crops.weights(power=0.35))

    def __call__(self, rng: np.random.Generator) -> IdentityPair:
        row = min(int(np.searchsorted(self._cumulative, rng.random())), len(self._cumulative) - 1)
        group = self._groups[self._crops.key(row)]
        is_set = self._crops.kinds[self._crops.clip[row]] == "still" and len(group) > 2  # need not be one person
        other = row if is_set or rng.random() < SAME else int(rng.choice(group))
        return self.make(row, other, rng)

    def make(self, row: int, other: int, rng: np.random.Generator) -> IdentityPair:
        """The pair that shows ``row``, known by ``other``; place, side and colours vary with ``rng``."""
        tones, is_mirrored = random_tones(rng), bool(rng.random() < 0.5)
        target, points = self._view(row, rng, tones, is_mirrored)
        known, known_points = (target, points) if other == row else self._view(other, rng, tones, is_mirrored)
        mask = masks.face_hull(points / 8, (_WIDTH // 8, _HEIGHT // 8), FACE.unit_px / 8, reach=REACH, feather=0.1)
        return IdentityPair(
            target=target,
            other=known,
            mask=np.rint(mask * 255).astype(np.uint8),
            maps=draw_face(points, FACE.size),
            coordinates=face_coordinates(points),
            other_coordinates=face_coordinates(known_points),
            points=points,
            row=row,
        )

    def _view(
        self, row: int, rng: np.random.Generator, tones: NDArray[np.uint8], is_mirrored: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A crop and its landmarks."""
        window, points = random_window(rng), self._crops.points[row]
        face = tones[warp_affine(self._crops.frames[row], window, FACE.size), [0, 1, 2]]
        placed = place_in_window(points, window)
        return mirror_face(face, placed) if is_mirrored else (face, placed)


def mirror_face(face: NDArray[np.uint8], points: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A crop (H, W, 3) seen in a mirror, and its landmarks (478, 3)."""
    points = points[_order()].copy()
    points[:, 0] = face.shape[1] - 1 - points[:, 0]
    return np.ascontiguousarray(face[:, ::-1]), points


@cache
def _order() -> NDArray[np.intp]:
    return mirror_order()


def build_identity_pairs(crops: FaceCrops, folder: Path, *, count: int, seed: int = 0) -> dict[str, NDArray]:
    """``count`` pairs in memory-mapped arrays named like the fields of ``IdentityPair``."""
    return fill_cache(IdentityPairs(crops), LAYOUT, folder, count=count, seed=seed)
