"""Where and how large the watermark may be in what a median left of frames, and how surely it is there.

A score is a correlation with the pattern, in deviations of the same correlation at all other displacements, which are
as many patterns that nobody embedded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from facediff.provenance.pattern import BAND, TILE, Plane, tile_frequency, tile_pattern

# Tiles' sides in the frame's shorter one. Steps of 1 % keep 36 cycles in phase over a frame, of 2 % over one tile.
_CROPS, _WINDOWS = np.geomspace(0.9, 2.4, 100), np.geomspace(0.25, 0.93, 67)
_FINER = (-0.004, -0.002, 0.002, 0.004)
_ASPECTS = np.geomspace(1.0, 2.4, 75)
_MARGIN = 3.0  # cycles a tile beyond the band
_LEAST_ENERGY = 0.1  # of the mean, so that an empty place does not win


def score_in_place(residual: Plane) -> float:
    """Of the pattern where an uncut frame has it, whatever its size."""
    surface = _correlation(_fold(residual, min(residual.shape), min(residual.shape)))
    return float(surface[0, 0]) / _deviation(surface)


def best_elsewhere(residual: Plane) -> float:
    """The best score over crops, windows within the frame, and stretched frames, at all scales; 0 for strips."""
    if min(residual.shape) < TILE:  # a strip, of which too little would be left
        return 0.0
    return max(*_scores_of_crops(residual), *_scores_of_windows(residual), *_scores_of_stretches(residual))


def _fold(residual: Plane, tall: float, wide: float) -> Plane:
    """All of a residual laid upon one tile, supposing that a tile is ``tall`` by ``wide`` grid points."""
    height, width = (max(1, round(n * TILE / side)) for n, side in zip(residual.shape, (tall, wide), strict=True))
    way = cv2.INTER_AREA if max(tall, wide) > TILE else cv2.INTER_LINEAR
    rows, columns = -(-height // TILE), -(-width // TILE)
    tiles = np.zeros((rows * TILE, columns * TILE), np.float32)
    tiles[:height, :width] = cv2.resize(residual, (width, height), interpolation=way)
    return tiles.reshape(rows, TILE, columns, TILE).sum((0, 2))


def _correlation(folded: Plane) -> Plane:
    """Correlation of one tile with the pattern at every displacement."""
    ring, counts, conjugate = _rings()
    return np.fft.irfft2(_level(np.fft.rfft2(folded), ring, counts) * conjugate).astype(np.float32)


def _level(
    spectrum: NDArray[np.complexfloating], ring: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.complexfloating]:
    """A spectrum made level: half by the mean power of each frequency, half by the power of each value.

    The latter also lowers the single peaks that regular textures leave.
    """
    magnitude = np.abs(spectrum)
    power = np.bincount(ring.ravel(), (magnitude**2).ravel(), minlength=len(counts)) / counts
    return spectrum / np.sqrt(magnitude * np.sqrt(power[ring]) + 1e-9)


@lru_cache(maxsize=1)
def _rings() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex128]]:
    """The whole frequency of each value of ``rfft2``, how many share it, and the pattern's conjugate spectrum."""
    ring = np.round(tile_frequency()).astype(np.int64)
    return ring, np.maximum(np.bincount(ring.ravel()), 1), np.conj(np.fft.rfft2(tile_pattern()))


def _padded_rings(
    height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.complex64]]:
    """The same for a plane that a tile is a part of, and which values are in the pattern's band."""
    vertical, horizontal = scipy.fft.fftfreq(height, 1 / TILE)[:, None], scipy.fft.rfftfreq(width, 1 / TILE)[None]
    frequency = np.hypot(vertical, horizontal)
    ring = np.round(frequency).astype(np.int64)
    is_in_band = (frequency > BAND[0] - _MARGIN) & (frequency < BAND[1] + _MARGIN)
    conjugate = np.conj(scipy.fft.rfft2(tile_pattern(), (height, width)))
    return ring, np.maximum(np.bincount(ring.ravel()), 1), is_in_band, conjugate.astype(np.complex64)


def _deviation(surface: Plane) -> float:
    """Standard deviation of a normal variable with the median magnitude found, which a peak does not disturb."""
    return max(float(np.median(np.abs(surface))) / 0.6745, 1e-9)


def _scores_of_crops(residual: Plane) -> list[float]:
    """The best score over all places, for each scale of a frame that was cut, and finer about the best."""

    def best(scale: float) -> float:
        side = scale * min(residual.shape)
        surface = _correlation(_fold(residual, side, side))
        return float(surface.max()) / _deviation(surface)

    scores = [best(scale) for scale in _CROPS]
    likeliest = _CROPS[int(np.argmax(scores))]
    return scores + [best(likeliest * (1 + change)) for change in _FINER]


def _scores_of_windows(residual: Plane) -> Iterator[float]:
    """The best score over all places of one tile within the frame, for each of its scales.

    What is around it does not count, and each place is measured against how much there is to correlate with.
    """
    for scale in _WINDOWS:
        side = scale * min(residual.shape)
        height, width = (max(TILE, round(n * TILE / side)) for n in residual.shape)
        way = cv2.INTER_AREA if side > TILE else cv2.INTER_LINEAR
        size = (scipy.fft.next_fast_len(height, True), scipy.fft.next_fast_len(width, True))
        ring, counts, is_in_band, conjugate = _padded_rings(*size)
        spectrum = scipy.fft.rfft2(cv2.resize(residual, (width, height), interpolation=way), size)
        level = np.where(is_in_band, _level(spectrum, ring, counts), 0).astype(np.complex64)
        surface, flat = scipy.fft.irfft2(level * conjugate, size), scipy.fft.irfft2(level, size)
        energy = cv2.boxFilter(flat * flat, -1, (TILE, TILE), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
        places = (slice(height - TILE + 1), slice(width - TILE + 1))
        energy = energy[places]
        surface = surface[places] / np.sqrt(energy + _LEAST_ENERGY * energy.mean() + 1e-9)
        yield float(surface.max()) / _deviation(surface)


def _scores_of_stretches(residual: Plane) -> Iterator[float]:
    """The score in place, for each shape that the whole frame may have had."""
    height, width = residual.shape
    for aspect in _ASPECTS:
        for tall, wide in ((height, width / aspect), (height / aspect, width)):
            surface = _correlation(_fold(residual, tall, wide))
            yield float(surface[0, 0]) / _deviation(surface)
