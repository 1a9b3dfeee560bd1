"""An invisible watermark: a fixed pattern of middle spatial frequencies in luma, found again without the original.

Spread spectrum (Cox et al., "Secure spread spectrum watermarking for multimedia", IEEE Trans. Image Processing 6(12),
1997), with the strength set by what hides it: texture bears most, the surroundings of a lone edge little, and a smooth
wall a quarter of a level, of which rounding leaves next to nothing. The pattern is a square tile as long as the frame's
shorter side, repeated over the rest, so that a copy of another size carries it unchanged, and a part of a frame is told
by one unknown scale and a place; its frequencies, 8 to 36 cycles a tile, are those that H.264 keeps in a small copy.

Detection is a correlation with what a median leaves of each frame, folded to one tile and measured against the same
correlation at all other displacements of the pattern, which are as many patterns that nobody embedded.

The key is public, as the source is: whoever wants to can remove the mark, or put it on a film of their own. Marks of
facediff 0.1, which had another key and spanned the frame, are not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.types import Frame

Plane = NDArray[np.float32]

THRESHOLD = 5.0
SEARCH_THRESHOLD = 6.5  # higher, since it is the best of some million places and scales

_KEY = b"facediff watermark 2"
_TILE = 128
_BAND = (8.0, 36.0)  # cycles a tile
_BAND_EDGE = 3.0

_FLAT, _EDGE, _MOST = 0.27, 1.6, 4.5  # RMS in levels of 255: on a wall, beside a lone edge, in texture
_PER_TEXTURE, _PER_TEXTURE_TIMES_SIDE = (0.3, 0.8), 180.0  # a small frame needs more: its copies have few coded blocks
_VISIBLE = 1.3  # levels of activity, up to which grain hides nothing
_ACTIVITY, _STEPS = 256, 4  # grid points; steps of a level, for a median takes whole numbers
_TEXTURE_GAIN = 1.3  # a median is less than a mean

_GRID = 256  # of the shorter side, where marks are looked for
_MEDIAN, _SPREAD, _NOISE = 7, 4.0, 3.0  # grid points, grid points, levels
_OPENING = 0.25  # how much of the weight of all frames the first one gets once more
_SCALES = np.geomspace(0.35, 2.4, 194)  # tiles' sides in the frame's shorter one; steps of 1 %, which keep 36 cycles
_FINER = (-0.004, -0.002, 0.002, 0.004)
_ASPECTS = np.geomspace(1.0, 2.4, 75)


@dataclass(frozen=True)
class Detection:
    """What a search for the watermark gave.

    Attributes:
        score: Standard deviations above what patterns score that nobody embedded.
        threshold: The score from which on the mark counts as found; higher where scales and places were searched too.
        is_found: Whether it was reached.
        is_cropped: Whether it was reached only by supposing that the frame is a part of the marked one, holds it
            among other things, or was stretched.
        frame_count: How many frames were looked at.
    """

    score: float
    threshold: float
    is_found: bool
    is_cropped: bool
    frame_count: int


def embed(frame: Frame) -> Frame:
    """The frame with the watermark; PSNR against the frame is 38 dB at least, usually 41 to 48.

    Args:
        frame: RGB (H, W, 3) uint8. It is left as it is.
    """
    height, width = frame.shape[:2]
    strength = _strength(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    change = cv2.multiply(cv2.resize(strength, (width, height)), _tiles(height, width))
    return np.asarray(cv2.add(frame, cv2.merge([change] * 3), dtype=cv2.CV_8U), np.uint8)


def detect(frames: Iterable[Frame]) -> Detection:
    """Looks for the watermark in frames of one video; more frames make it surer, 50 are plenty.

    Copies of another size need no search; if the mark is not found, crops of up to some 58 % of each side, screens that
    show the video at a third of their shorter side or more, and stretched copies are tried as well.

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
    surface = _correlation(_fold(total, _GRID, _GRID))
    score = float(surface[0, 0]) / _deviation(surface)
    if score >= THRESHOLD:
        return Detection(score, THRESHOLD, True, False, count)
    best = max(*_scores_of_parts(total), *_scores_of_stretches(total))
    if best >= SEARCH_THRESHOLD:
        return Detection(best, SEARCH_THRESHOLD, True, True, count)
    return Detection(score, THRESHOLD, False, False, count)


def _strength(luma: NDArray[np.uint8]) -> Plane:
    """RMS of the mark, in levels, on a coarse grid over the frame.

    Texture is where most of a neighbourhood deviates from its mean, and a median says so: beside a lone edge, where
    the mark would show as beads, the median is small and the mean is not.
    """
    slope = float(np.clip(_PER_TEXTURE_TIMES_SIDE / min(luma.shape), *_PER_TEXTURE))
    small = cv2.resize(luma, (_ACTIVITY, _ACTIVITY), interpolation=cv2.INTER_AREA).astype(np.float32)
    deviation = cv2.absdiff(small, cv2.blur(small, (7, 7)))
    half = cv2.resize(deviation, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    edges = cv2.blur(cv2.blur(half, (3, 3)), (5, 5))
    middle = cv2.medianBlur(cv2.convertScaleAbs(half, alpha=_STEPS), 7).astype(np.float32)
    texture = cv2.blur(middle, (5, 5)) * (_TEXTURE_GAIN / _STEPS)
    return np.maximum(
        np.clip(_FLAT + slope * (texture - _VISIBLE), _FLAT, _MOST),
        np.clip(_FLAT + slope * (edges - _VISIBLE), _FLAT, _EDGE),
    ).astype(np.float32)


@lru_cache(maxsize=1)
def _pattern() -> Plane:
    """The tile, of unit variance; of a hash, for it must be the same with every version of NumPy."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(_KEY).digest(_TILE * _TILE // 8), np.uint8))
    low, high = _BAND
    frequency = _frequency()
    band = np.clip((frequency - low) / _BAND_EDGE + 1, 0, 1) * np.clip((high - frequency) / _BAND_EDGE + 1, 0, 1)
    chips = bits.reshape(_TILE, _TILE) * 2.0 - 1.0
    pattern = np.fft.irfft2(np.fft.rfft2(chips) * band)
    return (pattern / pattern.std()).astype(np.float32)


@lru_cache(maxsize=4)
def _tiles(height: int, width: int) -> Plane:
    """The pattern over a frame, of unit variance."""
    side = min(height, width)
    way = cv2.INTER_CUBIC if side >= _TILE else cv2.INTER_AREA
    tile = cv2.resize(_pattern(), (side, side), interpolation=way)
    tiles = np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width]
    return np.ascontiguousarray(tiles / max(float(tiles.std()), 1e-6), np.float32)


def _frequency() -> NDArray[np.float64]:
    """Cycles a tile of each value of ``rfft2``."""
    return np.hypot(np.fft.fftfreq(_TILE, 1 / _TILE)[:, None], np.fft.rfftfreq(_TILE, 1 / _TILE)[None])


def _residual(frame: Frame) -> Plane:
    """What a median leaves of a frame on the grid, at equal variance everywhere, so that no edge outweighs the rest."""
    height, width = frame.shape[:2]
    side = min(height, width)
    size = (round(width * _GRID / side), round(height * _GRID / side))
    way = cv2.INTER_AREA if side >= _GRID else cv2.INTER_LINEAR
    luma = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=way)
    rest = luma.astype(np.float32) - cv2.medianBlur(luma, _MEDIAN)
    return rest / np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _SPREAD) + _NOISE**2)


def _fold(residual: Plane, tall: float, wide: float) -> Plane:
    """All of a residual laid upon one tile, supposing that a tile is ``tall`` by ``wide`` grid points."""
    height, width = (max(1, round(n * _TILE / side)) for n, side in zip(residual.shape, (tall, wide), strict=True))
    way = cv2.INTER_AREA if max(tall, wide) > _TILE else cv2.INTER_LINEAR
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    tiles = np.zeros((rows * _TILE, columns * _TILE), np.float32)
    tiles[:height, :width] = cv2.resize(residual, (width, height), interpolation=way)
    return tiles.reshape(rows, _TILE, columns, _TILE).sum((0, 2))


def _correlation(folded: Plane) -> Plane:
    """Correlation with the pattern at every displacement, after making the residual's spectrum level.

    Half of the levelling is by the mean power of each frequency, half by the power of each value, which also lowers
    the single peaks that regular textures leave.
    """
    ring, counts, conjugate = _rings()
    spectrum = np.fft.rfft2(folded)
    magnitude = np.abs(spectrum)
    power = np.bincount(ring.ravel(), (magnitude**2).ravel()) / counts
    level = spectrum / np.sqrt(magnitude * np.sqrt(power[ring]) + 1e-9)
    return np.fft.irfft2(level * conjugate).astype(np.float32)


@lru_cache(maxsize=1)
def _rings() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex128]]:
    """The whole frequency of each value of ``rfft2``, how many share it, and the pattern's conjugate spectrum."""
    ring = np.round(_frequency()).astype(np.int64)
    return ring, np.maximum(np.bincount(ring.ravel()), 1), np.conj(np.fft.rfft2(_pattern()))


def _deviation(surface: Plane) -> float:
    """Standard deviation of a normal variable with the median magnitude found, which a peak does not disturb."""
    return max(float(np.median(np.abs(surface))) / 0.6745, 1e-9)


def _scores_of_parts(residual: Plane) -> list[float]:
    """The best score over all places, for each scale at which the frame may show tiles, and finer about the best."""

    def best(scale: float) -> float:
        surface = _correlation(_fold(residual, _GRID * scale, _GRID * scale))
        return float(surface.max()) / _deviation(surface)

    scores = [best(scale) for scale in _SCALES]
    likeliest = _SCALES[int(np.argmax(scores))]
    return scores + [best(likeliest * (1 + change)) for change in _FINER]


def _scores_of_stretches(residual: Plane) -> Iterator[float]:
    """The score in place, for each shape that the whole frame may have had."""
    height, width = residual.shape
    for aspect in _ASPECTS:
        for tall, wide in ((height, width / aspect), (height / aspect, width)):
            surface = _correlation(_fold(residual, tall, wide))
            yield float(surface[0, 0]) / _deviation(surface)
