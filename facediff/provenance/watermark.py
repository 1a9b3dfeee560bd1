"""An invisible watermark: a fixed pattern of low spatial frequencies in luma, found again without the original.

Spread spectrum (Cox et al., "Secure spread spectrum watermarking for multimedia", IEEE Trans. Image Processing 6(12),
1997), with the strength set by the local activity of the picture. The pattern is defined on a grid that spans the
frame, whatever its size, so that a rescaled copy still carries it; its frequencies, 4 to 36 cycles a frame, are those
that H.264 keeps in a small copy. Detection is a correlation with what a median leaves of each frame, measured against
the same correlation at all other displacements of the pattern, which are as many patterns that nobody embedded.

The key is public, as the source is: whoever wants to can remove the mark, or put it on a film of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.types import Frame

Plane = NDArray[np.float32]

THRESHOLD = 5.0
CROP_THRESHOLD = 6.5  # higher, since it is the best of some 400,000 places and sizes

_KEY = b"facediff watermark 1"
_GRID = 128
_BAND = (4.0, 36.0)  # cycles a frame
_BAND_EDGE = 3.0
_FLAT, _MOST = (0.8, 1.7), 1.95  # RMS in levels of 255: where nothing hides it, by size; where all does (42.3 dB)
_FLAT_TIMES_SIDE = 500.0  # a small frame needs more, for its copies have few coded blocks a cycle; 1.7 below 294 pixels
_PER_ACTIVITY = 0.3
_MEDIAN, _SPREAD, _NOISE = 9, 2.0, 0.5  # grid points, grid points, levels
_OPENING = 0.25  # how much of the weight of all frames the first one gets once more
_CROPS = np.linspace(0.7, 1.0, 21)  # a step of 1.5 %, within which a pattern of 36 cycles stays in phase


@dataclass(frozen=True)
class Detection:
    """What a search for the watermark gave.

    Attributes:
        score: Standard deviations above what patterns score that nobody embedded.
        threshold: The score from which on the mark counts as found; higher where crops were searched too.
        is_found: Whether it was reached.
        is_cropped: Whether it was reached only by supposing that the edges were cut off.
        frame_count: How many frames were looked at.
    """

    score: float
    threshold: float
    is_found: bool
    is_cropped: bool
    frame_count: int


def embed(frame: Frame) -> Frame:
    """The frame with the watermark; PSNR against the frame is 42 dB at least, usually 43 to 48.

    Args:
        frame: RGB (H, W, 3) uint8. It is left as it is.
    """
    height, width = frame.shape[:2]
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    flat = float(np.clip(_FLAT_TIMES_SIDE / min(height, width), *_FLAT))
    strength = np.clip(flat + _PER_ACTIVITY * _activity(luma), flat, _MOST)
    change = cv2.multiply(cv2.resize(strength, (width, height)), _tile(height, width))
    return np.asarray(cv2.add(frame, cv2.merge([change] * 3), dtype=cv2.CV_8U), np.uint8)


def detect(frames: Iterable[Frame]) -> Detection:
    """Looks for the watermark in frames of one video; more frames make it surer, 50 are plenty.

    Rescaled copies need no search; if the mark is not found, sides cut by up to 30 % in all are tried as well.

    Args:
        frames: RGB (H, W, 3) uint8, all of one size.

    Raises:
        InputError: There is no frame.
    """
    residuals = map(_residual, frames)
    opening = next(residuals, None)
    if opening is None:
        raise InputError("a watermark is looked for in one frame at least; there is none")
    total, count = opening.copy(), 1
    for residual in residuals:
        total += residual
        count += 1
    # A coder spends most on the first frame, and takes the others from it, whose mark then moves with what moves.
    total += _OPENING * count * opening
    surface = _correlation(total)
    score = float(surface[0, 0]) / _deviation(surface)
    if score >= THRESHOLD:
        return Detection(score, THRESHOLD, True, False, count)
    best = max(_scores_of_crops(total))
    if best >= CROP_THRESHOLD:
        return Detection(best, CROP_THRESHOLD, True, True, count)
    return Detection(score, THRESHOLD, False, False, count)


def _activity(luma: NDArray[np.uint8]) -> Plane:
    """How much hides a mark, in levels; what lies just beside an edge does not count, for there it would show."""
    small = cv2.resize(luma, (2 * _GRID, 2 * _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    deviation = cv2.blur(cv2.absdiff(small, cv2.blur(small, (7, 7))), (7, 7))
    return cv2.blur(cv2.erode(deviation, np.ones((9, 9), np.uint8)), (9, 9))


@lru_cache(maxsize=1)
def _pattern() -> Plane:
    """The pattern on the grid, of unit variance; of a hash, for it must be the same with every version of NumPy."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(_KEY).digest(_GRID * _GRID // 8), np.uint8))
    low, high = _BAND
    frequency = _frequency()
    band = np.clip((frequency - low) / _BAND_EDGE + 1, 0, 1) * np.clip((high - frequency) / _BAND_EDGE + 1, 0, 1)
    chips = bits.reshape(_GRID, _GRID) * 2.0 - 1.0
    pattern = np.fft.irfft2(np.fft.rfft2(chips) * band)
    return (pattern / pattern.std()).astype(np.float32)


@lru_cache(maxsize=4)
def _tile(height: int, width: int) -> Plane:
    """The pattern at the size of a frame, of unit variance."""
    way = cv2.INTER_CUBIC if min(height, width) >= _GRID else cv2.INTER_AREA
    tile = cv2.resize(_pattern(), (width, height), interpolation=way)
    return (tile / max(float(tile.std()), 1e-6)).astype(np.float32)


def _frequency() -> NDArray[np.float64]:
    """Cycles a frame of each value of ``rfft2`` on the grid."""
    return np.hypot(np.fft.fftfreq(_GRID, 1 / _GRID)[:, None], np.fft.rfftfreq(_GRID, 1 / _GRID)[None])


def _residual(frame: Frame) -> Plane:
    """What a median leaves of a frame on the grid, at equal variance everywhere, so that no edge outweighs the rest."""
    luma = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    rest = luma.astype(np.float32) - cv2.medianBlur(luma, _MEDIAN)
    return rest / np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _SPREAD) + _NOISE**2)


def _correlation(residual: Plane) -> Plane:
    """Correlation with the pattern at every displacement, after making the residual's spectrum level.

    Half of the levelling is by the mean power of each frequency, half by the power of each value, which also lowers
    the single peaks that regular textures leave.
    """
    ring = np.round(_frequency()).astype(int)
    spectrum = np.fft.rfft2(residual)
    magnitude = np.abs(spectrum)
    power = np.bincount(ring.ravel(), (magnitude**2).ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    level = spectrum / np.sqrt(magnitude * np.sqrt(power[ring]) + 1e-9)
    return np.fft.irfft2(level * np.conj(np.fft.rfft2(_pattern()))).astype(np.float32)


def _deviation(surface: Plane) -> float:
    """Standard deviation of a normal variable with the median magnitude found, which a peak does not disturb."""
    return max(float(np.median(np.abs(surface))) / 0.6745, 1e-9)


def _scores_of_crops(residual: Plane) -> Iterator[float]:
    """The best score over the places of a crop, for each of its sizes."""
    for tall, wide in product(_CROPS, _CROPS):
        height, width = round(_GRID * tall), round(_GRID * wide)
        placed = np.zeros((_GRID, _GRID), np.float32)
        placed[:height, :width] = cv2.resize(residual, (width, height), interpolation=cv2.INTER_LINEAR)
        surface = _correlation(placed)
        # Moving the crop by its place (y, x) is the correlation at (-y, -x).
        places = np.ix_(-np.arange(_GRID - height + 1), -np.arange(_GRID - width + 1))
        yield float(surface[places].max()) / _deviation(surface)
