"""Pairs for the denoiser: a mouth window to be made, and another moment of the same face warped onto it.

Training sees what rendering will have: the masked window, the reference carried to the target's landmarks by the
mesh warp, the lips drawn as maps, and the sound of that moment.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, warp_affine
from facediff.landmarks.raster import draw_lips
from facediff.landmarks.warp import MeshWarp
from facediff.training.faces import WIDE, FaceCrops

MOUTH_REACH, LOWER_REACH = (0.10, 0.26), (0.0, 0.10)  # in eye distances; drawn anew for each pair
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


class PairDraw:
    """Draws pairs of moments of the same person (video) or of two portraits of the same person (stills).

    Raises:
        InputError: There is no pair.
    """

    def __init__(self, crops: FaceCrops, *, min_unit_px: float = 50.0) -> None:
        self._crops = crops
        self._groups: dict[object, list[int]] = defaultdict(list)
        for row, clip in enumerate(crops.clip):
            key = crops.identities[clip] if crops.kinds[clip] == "still" else int(clip)
            self._groups[key].append(row)
        # Two portraits of one person are a pair; a larger set under one name need not be one person.
        sizes = np.array([len(self._groups[self._key(row)]) for row in range(len(crops.clip))])
        usable = (sizes > 1) & ((sizes == 2) | (crops.kinds[crops.clip] != "still"))
        if not (usable & (crops.source_unit_px >= min_unit_px)).any():
            raise InputError(
                f"no face is seen twice at {min_unit_px:g} pixels between the eyes; give clips, or two portraits of "
                "each person"
            )
        weight = crops.weights(power=0.6) * usable * (crops.source_unit_px >= min_unit_px)
        weight *= np.clip(crops.source_unit_px / WIDE.unit_px, 0.1, 1.0)
        self._cumulative = np.cumsum(weight / weight.sum())

    def _key(self, row: int) -> object:
        clip = self._crops.clip[row]
        return self._crops.identities[clip] if self._crops.kinds[clip] == "still" else int(clip)

    def __call__(self, rng: np.random.Generator) -> Pair:
        row = int(np.searchsorted(self._cumulative, rng.random()).clip(max=len(self._cumulative) - 1))
        others = [r for r in self._groups[self._key(row)] if r != row]
        return make_pair(self._crops, row, int(rng.choice(others)), rng)


def make_pair(crops: FaceCrops, row: int, other: int, rng: np.random.Generator) -> Pair:
    """The pair that shows ``row`` with ``other`` as its reference; place, zoom and mask vary with ``rng``."""
    zoom = rng.uniform(0.93, 1.08)
    anchor = np.array(MOUTH.anchor_px)
    shift = anchor - zoom * (anchor - OFFSET) + rng.uniform(-5, 5, 2)
    window = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    points = crops.points[row].copy()
    points[:, :2] = points[:, :2] * zoom + shift
    points[:, 2] *= zoom
    target = warp_affine(crops.frames[row], window, MOUTH.size)
    warped = MeshWarp(np.asarray(crops.frames[other]), crops.points[other])(crops.points[row])
    reference = warp_affine(warped, window, MOUTH.size)
    if rng.random() < 0.25:
        soft = masks.lower_face(points, MOUTH.size, MOUTH.unit_px, reach=rng.uniform(*LOWER_REACH))
    else:
        soft = masks.mouth(points, MOUTH.size, MOUTH.unit_px, reach=rng.uniform(*MOUTH_REACH))
    mask = np.where(soft > 0, 255, 0).astype(np.uint8)
    return Pair(target, reference, mask, draw_lips(points, MOUTH.size), points, row)


def build_pair_cache(crops: FaceCrops, folder: Path, *, count: int, seed: int = 0) -> dict[str, NDArray]:
    """``count`` pairs in memory-mapped arrays named like the fields of ``Pair``; made once, continued if cut off."""
    arrays: dict[str, NDArray] = {
        name: _open(folder / f"{name}.npy", (count, *shape), dtype) for name, (shape, dtype) in LAYOUT.items()
    }
    draw, done = PairDraw(crops), folder / "done.txt"
    first = int(done.read_text()) if done.is_file() else 0
    for index in range(first, count):
        pair = draw(np.random.default_rng([seed, index]))
        for name, array in arrays.items():
            array[index] = getattr(pair, name)
        if index % 200 == 199 or index == count - 1:
            for array in arrays.values():
                array.flush()  # type: ignore[attr-defined]
            done.write_text(str(index + 1))
    return arrays


def _open(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        kept = np.lib.format.open_memmap(path, mode="r+")
        if kept.shape == shape:
            return kept
        raise InputError(f"{path} holds {kept.shape}, not {shape}: another run's cache; choose another folder")
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
