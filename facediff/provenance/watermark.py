"""An invisible watermark: a fixed pattern of middle spatial frequencies in luma, found again without the original.

Spread spectrum (Cox et al., "Secure spread spectrum watermarking for multimedia", IEEE Trans. Image Processing 6(12),
1997), with the strength set by what hides it: texture bears most, the surroundings of a lone edge little, and a smooth
wall a quarter of a level, of which rounding leaves next to nothing. The pattern is a square tile as long as the frame's
shorter side, repeated over the rest, so that a copy of another size carries it unchanged, and a part of a frame is told
by one unknown scale and a place; its frequencies, 8 to 36 cycles a tile, are those that H.264 keeps in a small copy.

Detection is a correlation with what a median leaves of each frame, folded to one tile and measured against the same
correlation at all other displacements of the pattern, which are as many patterns that nobody embedded.

The key is public, as the source is: whoever wants to can remove the mark, or put it on a film of their own. Marks of
facediff before this pattern, which spanned the frame, are not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.provenance.pattern import Plane, tile_over
from facediff.types import Frame

THRESHOLD = 4.5
SEARCH_THRESHOLD = 6.5  # higher, since it is the best of some million places and scales

_FLAT, _EDGE, _MOST = 0.27, 1.9, 4.5  # RMS in levels of 255: on a wall, beside a lone edge, in texture
_PER_TEXTURE, _PER_TEXTURE_TIMES_SIDE = (0.35, 1.05), 235.0  # small frames need more: few blocks code their copies
_VISIBLE = 1.7  # levels of activity, up to which grain hides nothing
_ACTIVITY, _STEPS = 256, 4  # grid points; steps of a level, for a median takes whole numbers
_TEXTURE_GAIN = 1.9  # a median is less than a mean

_GRID, _LONGEST = 256, 1024  # points of the shorter side where marks are looked for, and of the longer at the most
_MEDIAN, _SPREAD, _NOISE = 7, 4.0, 3.0  # grid points, grid points, levels
_OPENING = 0.25  # how much of the weight of all frames the first one gets once more


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
    """The frame with the watermark; PSNR against the frame is usually 40 to 45 dB, 37 at least.

    Args:
        frame: RGB (H, W, 3) uint8. It is left as it is.
    """
    height, width = frame.shape[:2]
    strength = _strength(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    change = cv2.multiply(cv2.resize(strength, (width, height)), tile_over(height, width))
    # whole levels, what is added and what is taken away: bytes, which take half the time of floats
    more, less = (cv2.merge([cv2.convertScaleAbs(part)] * 3) for part in (cv2.max(change, 0), cv2.min(change, 0)))
    return np.asarray(cv2.subtract(cv2.add(frame, more), less), np.uint8)


def detect(frames: Iterable[Frame]) -> Detection:
    """Looks for the watermark in frames of one video; more frames make it surer, 50 are plenty.

    Copies of another size need no search; if the mark is not found, crops of up to some 58 % of each side, screens that
    show the video at a quarter of their shorter side or more, and stretched copies are tried as well.

    Args:
        frames: RGB (H, W, 3) uint8, all of one size.

    Raises:
        InputError: There is no frame.
    """
    from facediff.provenance.search import best_elsewhere, score_in_place  # which takes long to load, for no clip made

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
    score = score_in_place(total)
    if score >= THRESHOLD:
        return Detection(score, THRESHOLD, True, False, count)
    best = best_elsewhere(total)
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
    deviation = cv2.absdiff(small, cv2.blur(small, (5, 5)))
    half = cv2.resize(deviation, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    edges = cv2.blur(cv2.blur(half, (3, 3)), (5, 5))
    middle = cv2.medianBlur(cv2.convertScaleAbs(half, alpha=_STEPS), 7).astype(np.float32)
    texture = cv2.blur(middle, (5, 5)) * (_TEXTURE_GAIN / _STEPS)
    return np.maximum(
        np.clip(_FLAT + slope * (texture - _VISIBLE), _FLAT, _MOST),
        np.clip(_FLAT + slope * (edges - _VISIBLE), _FLAT, _EDGE),
    ).astype(np.float32)


def _residual(frame: Frame) -> Plane:
    """What a median leaves of a frame on the grid, at equal variance everywhere, so that no edge outweighs the rest."""
    height, width = frame.shape[:2]
    scale = min(_GRID / min(height, width), _LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale <= 1 else cv2.INTER_LINEAR
    luma = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=way)
    rest = luma.astype(np.float32) - cv2.medianBlur(luma, _MEDIAN)
    return rest / np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _SPREAD) + _NOISE**2)
