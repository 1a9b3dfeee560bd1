"""Pairs for the denoiser: a mouth window to be made, and another moment of the same face warped onto it.

Training sees what rendering will have: the masked window, the reference carried to the target's landmarks by the
mesh warp, the lips drawn as maps, and the sound of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.conditioning.difftalk import TRAINED_MASK_REACH
from facediff.datasets.array_cache import fill_cache
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, warp_affine
from facediff.landmarks.raster import draw_lips
from facediff.landmarks.warp import MeshWarp
from facediff.training.faces import WIDE, FaceCrops, Moment
from facediff.training.moments import MomentDraw

LOWER_REACH = (0.0, 0.10)  # eye distances around the lower face; drawn anew for each pair
_WIDTH, _HEIGHT = MOUTH.size
LAYOUT: dict[str, tuple[tuple[int, ...], type]] = {
    "target": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "reference": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "mask": ((_HEIGHT, _WIDTH), np.uint8),
    "lips": ((2, _HEIGHT // 2, _WIDTH // 2), np.uint8),
    "points": ((478, 3), np.float32),
    "row": ((), np.int64),
}
OFFSET = np.array(MOUTH.anchor_px) - (
    np.array(WIDE.anchor_px) + WIDE.unit_px * (np.array(MOUTH.anchor[:2]) - np.array(WIDE.anchor[:2]))
)  # from a wide crop's pixels to the window's, for a frontal face


@dataclass(frozen=True)
class Pair:
    """One training example.

    Attributes:
        target: Window to be made (128, 160, 3) uint8.
        reference: Another moment, warped to the target's landmarks, same shape.
        mask: (128, 160) uint8, 255 where the denoiser must paint.
        lips: (2, 64, 80) uint8 maps.
        points: Landmarks (478, 3) of the target in pixels of the window.
        row: Row of the target in the crops.
    """

    target: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    points: NDArray[np.float32]
    row: int


def make_pair(crops: FaceCrops, row: int, other: int, rng: np.random.Generator) -> Pair:
    """The pair that shows ``row`` with ``other`` as its reference; place, zoom and mask vary with ``rng``."""
    return pair_moments(crops.moment(row), crops.moment(other), rng, row)


def pair_moments(shown: Moment, known: Moment, rng: np.random.Generator, row: int = 0) -> Pair:
    """The pair that shows one moment with another as its reference; equal generators give equal places and masks."""
    zoom = rng.uniform(0.93, 1.08)
    anchor = np.array(MOUTH.anchor_px)
    shift = anchor - zoom * (anchor - OFFSET) + rng.uniform(-5, 5, 2)
    window = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    points = shown.points.copy()
    points[:, :2] = points[:, :2] * zoom + shift
    points[:, 2] *= zoom
    target = warp_affine(shown.frame, window, MOUTH.size)
    warped = MeshWarp(np.asarray(known.frame), known.points)(shown.points)
    reference = warp_affine(warped, window, MOUTH.size)
    if rng.random() < 0.25:
        soft = masks.lower_face(points, MOUTH.size, MOUTH.unit_px, reach=rng.uniform(*LOWER_REACH))
    else:
        soft = masks.mouth(points, MOUTH.size, MOUTH.unit_px, reach=rng.uniform(*TRAINED_MASK_REACH))
    mask = np.where(soft > 0, 255, 0).astype(np.uint8)
    return Pair(target, reference, mask, draw_lips(points, MOUTH.size), points, row)


def build_pair_cache(
    crops: FaceCrops, folder: Path, *, count: int, seed: int = 0, opening_share: float = 0.0
) -> dict[str, NDArray]:
    """``count`` pairs in memory-mapped arrays named like the fields of ``Pair``; made once, continued if cut off.

    See ``MomentDraw`` for ``opening_share``.
    """
    moments = MomentDraw(crops, opening_share=opening_share)
    return fill_cache(lambda rng: make_pair(crops, *moments(rng), rng), LAYOUT, folder, count=count, seed=seed)
