"""A person's matte, hair included, and the colours of half-transparent hair without what was filmed behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.push_pull import push_pull
from facediff.landmarks.segmentation import coarse_mask
from facediff.types import Frame

Matte = NDArray[np.float32]  # (H, W) in [0, 1]


@dataclass(frozen=True)
class MatteStyle:
    """How a coarse mask becomes a matte. Lengths are shares of the picture's longer side.

    Chosen on the sample portrait with drawn strands before a wall, bricks and grass ("benchmarks/direct.py", November
    2026): ``doubt`` of 1 to 30, ``beside`` of 0 to 50, ``inner`` of 0.004 to 0.02, ``outer`` of 0.025 to 0.06, ``wide``
    of 0.01 to 0.035, ``narrow`` of 0.003 to 0.01, ``smooth`` of 1e-5 to 1e-3,
    ``solved_px`` of 300 to 640. On a dozen training portraits with the same: ``told``, of which five were
    tried; and ``firm`` of 3 to a million, by eye too.

    Attributes:
        told: What a coarse mask says where there is nobody, and where there is nothing else.
        wide: Radius in which hair may lie around a mask; the first filter's.
        narrow: Radius of the second, which finds cloth and skin.
        smooth: Variance of colour, in [0, 1] squared, below which no edge is seen.
        low: What is less is nothing; ``high`` and more is all.
        high: See ``low``.
        solved_px: Longer side at which the filters' coefficients, and the colours of either side, are found.
        reach: Radius within which colours are alike.
        inner: Width of the band inside a mask in which colours are compared; ``outer`` of that around it.
        outer: See ``inner``.
        doubt: How much the variance of colours counts against what they say.
        beside: How much more a colour does that is like neither side, nor between them.
        sure: What a mask says from which on colours that speak against it are not heard, and are not at all.
        firm: As ``doubt``, for colours that speak against a mask that is sure: those of a wall between curls.
        hole: Share of the picture below which a gap that the person encloses is the person.
        rim: Width of what is looked at inside the edge of transparency.
        framed: Share of that which is nobody, beyond which a picture came in a frame rather than cut out: in cut-outs
            of eight portraits 0.09 at most, in circles 0.5 at least, but for two taken to be all person.
    """

    told: tuple[float, float] = (0.1, 0.7)
    wide: float = 0.02
    narrow: float = 0.006
    smooth: float = 1e-4
    low: float = 0.1
    high: float = 0.9
    solved_px: int = 320
    reach: float = 0.006
    inner: float = 0.015
    outer: float = 0.03
    doubt: float = 4.0
    beside: float = 16.0
    sure: tuple[float, float] = (0.8, 0.99)
    firm: float = 5.0
    hole: float = 0.005
    rim: float = 0.02
    framed: float = 0.35


STYLE = MatteStyle()


def refine_matte(frame: Frame, coarse: Matte, style: MatteStyle = STYLE) -> Matte:
    """A matte whose edges are those of the picture.

    Args:
        frame: (H, W, 3) uint8.
        coarse: How much of each pixel is the person, about.
        style: How.
    """
    guide, (nobody, all_of_it) = frame.astype(np.float32) / np.float32(255), style.told
    coarse = np.clip((coarse - nobody) / (all_of_it - nobody), 0, 1).astype(np.float32)
    coarse = _fill_holes(coarse, style.hole)
    side = max(frame.shape[:2])
    matte = np.clip(guided_filter(guide, coarse, max(2.0, style.wide * side), style.smooth, style.solved_px), 0, 1)
    matte = _compare_colours(guide, coarse, matte, style)
    matte = guided_filter(guide, matte, max(2.0, style.narrow * side), style.smooth, style.solved_px)
    return np.clip((matte - style.low) / (style.high - style.low), 0, 1).astype(np.float32)


def _fill_holes(coarse: Matte, most: float) -> Matte:
    """A mask without gaps that it encloses, as large as a share of it at most."""
    _, names, stats, _ = cv2.connectedComponentsWithStats((coarse < 0.9).astype(np.uint8), connectivity=4)
    height, width = coarse.shape
    left, top, wide, tall, area = stats.T
    inside = (left > 0) & (top > 0) & (left + wide < width) & (top + tall < height)
    holes = inside & (area < most * coarse.size)
    holes[0] = False
    return np.where(holes[names], np.float32(1), coarse)


def _compare_colours(guide: NDArray[np.float32], coarse: Matte, matte: Matte, style: MatteStyle) -> Matte:
    """A matte in whose doubtful band each pixel is what its colour says between those of either side.

    How far that is believed depends on how far apart both sides are, over how much each varies.
    """
    height, width = coarse.shape
    size = _fit(coarse.shape, style.solved_px)
    small, rough = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (guide, coarse))
    inner, outer = (2 * max(1, round(part * max(size))) + 1 for part in (style.inner, style.outer))
    front = cv2.erode((rough > 0.9).astype(np.float32), np.ones((inner, inner), np.uint8))
    back = cv2.erode((rough < 0.1).astype(np.float32), np.ones((outer, outer), np.uint8))
    if front.sum() < 16 or back.sum() < 16:
        return matte
    near, near_spread = _describe(small, front, outer)
    behind, behind_spread = _describe(small, back, outer)
    spread, doubtful = near_spread + behind_spread, (1 - front) * (1 - back)
    near, behind, spread, doubtful = (cv2.resize(one, (width, height)) for one in (near, behind, spread, doubtful))
    apart = near - behind
    distance = (apart**2).sum(axis=2)
    share = np.clip(((guide - behind) * apart).sum(axis=2) / (distance + 1e-6), 0, 1)
    beside = ((guide - behind - share[..., None] * apart) ** 2).sum(axis=2)
    told = np.clip((coarse - style.sure[0]) / (style.sure[1] - style.sure[0]), 0, 1)
    share = np.maximum(share, told * (1 - distance / (distance + style.firm * spread + 1e-4)))
    belief = doubtful * distance / (distance + style.doubt * (spread + style.beside * beside) + 1e-4)
    return np.asarray(matte + belief * (share - matte), np.float32)


def _describe(picture: NDArray[np.float32], known: Matte, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours (H, W, 3) of one side of a picture, carried on everywhere, and how they vary (H, W) over some pixels."""
    weight = cv2.blur(known, (side, side))[..., None] + np.float32(1e-6)
    mean = cv2.blur(picture * known[..., None], (side, side)) / weight
    square = cv2.blur(picture**2 * known[..., None], (side, side)) / weight
    spread = np.maximum(square - mean**2, 0).sum(axis=2)
    return push_pull(picture, known), push_pull(spread, known)


def guided_filter(guide: NDArray[np.float32], values: Matte, radius: float, smooth: float, solved_px: int) -> Matte:
    """Values that are locally linear in the colours of a guide.

    Source: He et al., "Guided image filtering", PAMI 2013, equations 14 to 16, solved on a smaller picture as in He and
    Sun, "Fast guided filter", arXiv 1505.00996.

    Args:
        guide: (H, W, 3) in [0, 1].
        values: (H, W).
        radius: In pixels.
        smooth: Variance below which a guide counts as flat.
        solved_px: Longer side of the smaller picture.
    """
    height, width = values.shape
    shrink = min(1.0, solved_px / max(height, width))
    small, wanted = guide, values
    if shrink < 1:
        size = (round(width * shrink), round(height * shrink))
        small, wanted = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (guide, values))
    side = 2 * max(1, round(radius * shrink)) + 1

    def mean(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(x, (side, side)), np.float32)

    centre, level = mean(small), mean(wanted)
    products = np.dstack([small[..., i] * small[..., j] for i, j in _PAIRS])
    variance = mean(products) - np.dstack([centre[..., i] * centre[..., j] for i, j in _PAIRS])
    covariance = mean(small * wanted[..., None]) - centre * level[..., None]
    slope = _solve(variance, smooth, covariance)
    slope, offset = mean(slope), mean(level - (slope * centre).sum(axis=2))
    if shrink < 1:
        slope, offset = (cv2.resize(one, (width, height)) for one in (slope, offset))
    return np.asarray((slope * guide).sum(axis=2) + offset, np.float32)


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def _solve(matrix: NDArray[np.float32], smooth: float, right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Solves symmetric (H, W, 6) systems of three, ``smooth`` added to their diagonals, by cofactors."""
    rr, rg, rb, gg, gb, bb = (matrix[..., k] for k in range(6))
    rr, gg, bb = rr + smooth, gg + smooth, bb + smooth
    c00, c01, c02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * c00 + rg * c01 + rb * c02, 1e-18)
    x, y, z = (right[..., k] for k in range(3))
    solved = (c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z)
    return np.dstack([one / determinant for one in solved])


def estimate_foreground(frame: Frame, matte: Matte, style: MatteStyle = STYLE) -> Frame:
    """The person's own colours, carried on to where there is nothing of them; where there is all of them, the frame's.

    Source: Forte, "Approximate fast foreground colour estimation", ICIP 2021 (blur fusion, twice); its first means are
    over a pyramid here, so that there are some everywhere.

    Args:
        frame: (H, W, 3) uint8.
        matte: How much of each pixel is the person.
        style: How far colours are looked for.
    """
    image, share = frame.astype(np.float32), matte[..., None]
    size = _fit(matte.shape, style.solved_px)
    small, part = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (image, matte))
    sides = (push_pull(small, part), push_pull(small, 1 - part))
    near, behind = (cv2.resize(one, matte.shape[::-1]) for one in sides)
    front = _split(image, share, near, behind)
    side = 2 * max(1, round(style.reach * max(frame.shape[:2]))) + 1
    sure, other = share + _FAINT, 1 - share + _FAINT
    near = cv2.blur(front * sure, (side, side)) / cv2.blur(sure, (side, side))[..., None]
    back = _split(image, 1 - share, behind, near)
    behind = cv2.blur(back * other, (side, side)) / cv2.blur(other, (side, side))[..., None]
    out = np.rint(_split(image, share, near, behind)).astype(np.uint8)
    whole = matte >= 1
    out[whole] = frame[whole]
    return out


_FAINT = np.float32(1e-3)  # what counts as the person where nothing of them is near


def _split(
    image: NDArray[np.float32], share: NDArray[np.float32], near: NDArray[np.float32], behind: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Colours (H, W, 3) of a layer that has a share of each pixel, close to some that are likely."""
    return np.clip(near + share * (image - share * near - (1 - share) * behind), 0, 255)


def _fit(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Width and height of a picture (H, W) whose longer side is so many pixels at most."""
    shrink = min(1.0, longest / max(shape))
    return max(2, round(shape[1] * shrink)), max(2, round(shape[0] * shrink))


def find_matte(frame: Frame, style: MatteStyle = STYLE, quarters: int = 0) -> Matte:
    """The matte of the person in a picture, which is turned by quarters to be looked at; see ``person_mask``."""
    return refine_matte(frame, coarse_mask(frame, quarters), style)


def cut_by_opacity(
    frame: Frame, opacity: NDArray[np.uint8], style: MatteStyle = STYLE, quarters: int = 0
) -> tuple[Frame, Matte]:
    """The colours of a person who came cut out, carried on as ``estimate_foreground`` does, and their matte.

    A circle or round corners cut no person out: where what ends at the edge is nobody, the person is looked for in it.

    Args:
        frame: (H, W, 3) uint8, what is transparent white.
        opacity: (H, W), 255 is all.
        style: How.
        quarters: See ``person_mask``.
    """
    matte, coarse = opacity.astype(np.float32) / np.float32(255), coarse_mask(frame, quarters)
    if _is_frame(matte, coarse, style):
        matte = matte * refine_matte(frame, coarse, style)
        return estimate_foreground(frame, matte, style), matte
    white, size = np.float32(255), _fit(matte.shape, style.solved_px)
    own = np.clip(white + (frame - white) / np.maximum(matte, _FAINT)[..., None], 0, 255)
    known = np.where(matte < _TOLD, np.float32(0), matte)  # of colours that are nearly white, little is told
    small, part = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (own * known[..., None], known))
    near = cv2.resize(push_pull(small / np.maximum(part, _FAINT)[..., None], part), matte.shape[::-1])
    told = np.minimum(1, matte / _TOLD)[..., None]
    return np.rint(near + told * (own - near)).astype(np.uint8), matte


_TOLD = np.float32(0.2)  # opacity from which on colours are believed


def _is_frame(matte: Matte, coarse: Matte, style: MatteStyle) -> bool:
    """Whether transparency frames a picture rather than cuts a person out: what ends at its edge is often nobody."""
    shown, side = (matte > 0.5).astype(np.uint8), 2 * max(1, round(style.rim * max(matte.shape))) + 1
    inside = cv2.erode(shown, np.ones((side, side), np.uint8))  # beyond the picture there is no edge
    rim = coarse[(shown == 1) & (inside == 0)]
    return rim.size > 0 and float((rim < 0.5).mean()) > style.framed


class SteadyMatte:
    """Mattes of the frames of a video, one after the other, that do not shimmer.

    What the network said of the last frame is carried along with what moves, and believed as far as it still fits; only
    then is the edge looked for.

    Args:
        style: How mattes are found.
        keeps: How much of the last frame's mask is kept where the picture is the same.
        quarters: See ``person_mask``.
    """

    def __init__(self, style: MatteStyle = STYLE, keeps: float = 0.7, quarters: int = 0) -> None:
        self._style, self._keeps, self._quarters = style, keeps, quarters
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._last: tuple[NDArray[np.uint8], Matte] | None = None

    def __call__(self, frame: Frame) -> Matte:
        """The matte of the next frame."""
        height, width = frame.shape[:2]
        shrink = min(1.0, _FLOW_PX / max(height, width))
        size = (max(16, round(width * shrink)), max(16, round(height * shrink)))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        coarse = cv2.resize(coarse_mask(frame, self._quarters), size, interpolation=cv2.INTER_AREA)
        if self._last is not None and self._last[0].shape == grey.shape:
            coarse = self._blend(grey, coarse, *self._last)
        self._last = np.asarray(grey, np.uint8), np.asarray(coarse, np.float32)
        whole = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        return refine_matte(frame, np.asarray(whole, np.float32), self._style)

    def _blend(self, grey: NDArray[np.uint8], coarse: Matte, before: NDArray[np.uint8], last: Matte) -> Matte:
        back = self._flow.calc(grey, before, None)
        y, x = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
        where = (x + back[..., 0], y + back[..., 1])
        carried = cv2.remap(last, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = cv2.remap(before, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        strange = cv2.blur(cv2.absdiff(seen, grey).astype(np.float32), (5, 5))
        share = self._keeps * np.clip(2 - strange / _STRANGE, 0, 1)
        return np.asarray(coarse + share * (carried - coarse), np.float32)


_FLOW_PX = 288  # longer side at which motion is looked for; the network sees 256 pixels
_STRANGE = 8.0  # levels by which what is carried may differ from what is seen
