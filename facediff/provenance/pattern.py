"""The pattern that the watermark is made of: a square tile of middle spatial frequencies, of unit variance."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

TILE = 128
BAND = (8.0, 36.0)  # cycles a tile
_BAND_EDGE = 3.0
_KEY = b"facediff watermark 2"


@lru_cache(maxsize=1)
def tile_pattern() -> Plane:
    """The tile, of unit variance; of a hash, for it must be the same with every version of NumPy."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(_KEY).digest(TILE * TILE // 8), np.uint8))
    low, high = BAND
    frequency = tile_frequency()
    band = np.clip((frequency - low) / _BAND_EDGE + 1, 0, 1) * np.clip((high - frequency) / _BAND_EDGE + 1, 0, 1)
    chips = bits.reshape(TILE, TILE) * 2.0 - 1.0
    pattern = np.fft.irfft2(np.fft.rfft2(chips) * band)
    return (pattern / pattern.std()).astype(np.float32)


@lru_cache(maxsize=4)
def tile_over(height: int, width: int) -> Plane:
    """The pattern over a frame, of unit variance."""
    side = min(height, width)
    way = cv2.INTER_CUBIC if side >= TILE else cv2.INTER_AREA
    tile = cv2.resize(tile_pattern(), (side, side), interpolation=way)
    tiles = np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width]
    return np.ascontiguousarray(tiles / max(float(tiles.std()), 1e-6), np.float32)


def tile_frequency() -> NDArray[np.float64]:
    """Cycles a tile of each value of ``rfft2``."""
    return np.hypot(np.fft.fftfreq(TILE, 1 / TILE)[:, None], np.fft.rfftfreq(TILE, 1 / TILE)[None])
