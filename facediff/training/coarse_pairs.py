"""Pairs for FADM's refiner: a face to be made, and what the coarse stage makes of another moment of it.

Training sees what rendering will have: in a part of the pairs the landmarks are not the real frame's own but those
that the motion coefficients give on the source's geometry at rest, as they are when somebody else drives.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.conditioning.fadm import MASK_REACH
from facediff.datasets.array_cache import fill_cache
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE, warp_affine
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.raster import FACE_MAPS, FACE_STEP, draw_face
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, encode_motion, fit_neutral
from facediff.training.faces import WIDE, FaceCrops
from facediff.training.moments import MomentDraw
from facediff.types import RigidPose

TRANSFERRED = 0.4  # share of the pairs whose landmarks come through the motion coefficients
_WIDTH, _HEIGHT = FACE.size
_ZOOM = FACE.unit_px / WIDE.unit_px
LAYOUT: dict[str, tuple[tuple[int, ...], type]] = {
    "target": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "coarse": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "mask": ((_HEIGHT // 8, _WIDTH // 8), np.uint8),
    "maps": ((FACE_MAPS, _HEIGHT // FACE_STEP, _WIDTH // FACE_STEP), np.uint8),
    "points": ((478, 3), np.float32),
    "rotation": ((3, 3), np.float32),
    "attributes": ((coefficients.DIMENSIONS,), np.float32),
}


@dataclass(frozen=True)
class CoarsePair:
    """One training example.

    Attributes:
        target: The face to be made (224, 224, 3) uint8.
        coarse: Another moment, warped to the landmarks wanted, same shape.
        mask: (28, 28) uint8, how much of each latent may be repainted.
        maps: (4, 56, 56) uint8, see ``draw_face``.
        points: Landmarks (478, 3) wanted, in pixels of the crop.
        rotation: (3, 3) of the head.
        attributes: (31,) motion of the other moment less that of the target.
    """

    target: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    maps: NDArray[np.uint8]
    points: NDArray[np.float32]
    rotation: NDArray[np.float32]
    attributes: NDArray[np.float32]


class CoarsePairs:
    """Makes pairs of cached crops.

    Args:
        crops: What ``build_face_cache`` made.
    """

    def __init__(self, crops: FaceCrops) -> None:
        self._crops = crops
        self._moments = MomentDraw(crops)
        self._motion = np.zeros((len(crops.clip), coefficients.DIMENSIONS), np.float32)
        self._canonical = np.zeros((len(crops.clip), 478, 3), np.float32)
        self._pose: dict[int, RigidPose] = {}
        members: dict[int, list[int]] = defaultdict(list)
        for row, clip in enumerate(crops.clip):
            members[int(clip)].append(row)
        for rows in members.values():
            self._motion[rows] = encode_motion(crops.points[rows])
            self._canonical[rows], pose = canonicalise(crops.points[rows])
            for place, row in enumerate(rows):
                self._pose[row] = pose.take(slice(place, place + 1))

    def __call__(self, rng: np.random.Generator) -> CoarsePair:
        row, other = self._moments(rng)
        return self.make(row, other, rng, is_transferred=rng.random() < TRANSFERRED)

    def make(self, row: int, other: int, rng: np.random.Generator, *, is_transferred: bool) -> CoarsePair:
        """The pair that shows ``row``, made from ``other``; place, zoom and colours vary with ``rng``."""
        crops = self._crops
        wanted = self._transfer(row, other) if is_transferred else crops.points[row]
        coarse = MeshWarp(np.asarray(crops.frames[other]), crops.points[other])(wanted)
        window = random_window(rng)
        tones = random_tones(rng)
        points = place_in_window(wanted, window)
        mask = masks.face_hull(points / 8, (_WIDTH // 8, _HEIGHT // 8), FACE.unit_px / 8, reach=MASK_REACH)
        return CoarsePair(
            target=tones[warp_affine(crops.frames[row], window, FACE.size), [0, 1, 2]],
            coarse=tones[warp_affine(coarse, window, FACE.size), [0, 1, 2]],
            mask=np.rint(mask * 255).astype(np.uint8),
            maps=draw_face(points, FACE.size),
            points=points,
            rotation=self._pose[row].rotation[0],
            attributes=self._motion[other] - self._motion[row],
        )

    def _transfer(self, row: int, other: int) -> NDArray[np.float32]:
        """Landmarks of ``row``'s motion on ``other``'s face at rest."""
        pose = self._pose[row]
        rig = FaceRig.from_shape(fit_neutral(self._canonical[other][None]), pose)
        return from_canonical(rig.express(self._motion[row][None]), pose)[0]


def build_coarse_pairs(crops: FaceCrops, folder: Path, *, count: int, seed: int = 0) -> dict[str, NDArray]:
    """``count`` pairs in memory-mapped arrays named like the fields of ``CoarsePair``."""
    return fill_cache(CoarsePairs(crops), LAYOUT, folder, count=count, seed=seed)


def random_window(rng: np.random.Generator) -> NDArray[np.float64]:
    """From a wide crop's pixels to a face crop's, a little off each time."""
    return _window(_ZOOM * rng.uniform(0.96, 1.05), rng.uniform(-4, 4, 2))


def _window(zoom: float, shift: NDArray[np.floating]) -> NDArray[np.float64]:
    apart = np.array(FACE.anchor[:2]) - np.array(WIDE.anchor[:2])
    anchor = np.array(WIDE.anchor_px) + WIDE.unit_px * apart
    x, y = np.array(FACE.anchor_px) - zoom * anchor + shift
    return np.array([[zoom, 0, x], [0, zoom, y]])


FACE_WINDOW = _window(_ZOOM, np.zeros(2))  # from a wide crop's pixels to a face crop's


def place_in_window(points: NDArray[np.floating], window: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks (478, 3) of a wide crop in pixels of a window (2, 3) on it."""
    flat = points[:, :2] @ window[:, :2].T + window[:, 2]
    return np.concatenate([flat, points[:, 2:] * window[0, 0]], axis=1, dtype=np.float32)


def random_tones(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A curve for each colour (256, 3): cameras and skins differ more than those of the clips do."""
    level = np.linspace(0, 1, 256)[:, None]
    curved = level ** rng.uniform(0.85, 1.18) * rng.uniform(0.88, 1.12) * rng.uniform(0.95, 1.05, 3)
    return np.rint(np.clip(curved, 0, 1) * 255).astype(np.uint8)
