"""Which part of a picture is shown, the same in all frames of a clip, and what it looks like beyond the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import MESH_POINTS
from facediff.types import FaceTrack

SIDES = 2  # of which sizes are multiples, as video coders want it


@dataclass(frozen=True)
class FramingStyle:
    """Shapes of what is shown, in heights of a face from the middle of the forehead to the chin.

    Attributes:
        head: Height of a picture of a head.
        shoulders: Of head and shoulders.
        tight: Least height, hair included, from which on the edge of the picture is crossed rather than hair.
        wide: Least width.
        hair: How far above the middle of a face its hair ends.
        above: What is shown above the hair, at most.
        soft: Blur beyond the picture's edge, as a share of the longer side.
    """

    head: float = 1.95
    shoulders: float = 3.3
    tight: float = 1.6
    wide: float = 1.3
    hair: float = 0.88
    above: float = 0.4
    soft: float = 0.03


STYLE = FramingStyle()


@dataclass(frozen=True)
class Window:
    """A part of a picture, which may lie beyond its edge, at a size of its own.

    Attributes:
        left: In whole pixels of the picture; ``top``, ``width`` and ``height`` too.
        top: See ``left``.
        width: See ``left``.
        height: See ``left``.
        size: Width and height at which it is shown.
        soft: See ``FramingStyle``.
    """

    left: int
    top: int
    width: int
    height: int
    size: tuple[int, int]
    soft: float = STYLE.soft

    def show(self, picture: NDArray[Any], *, beyond: int | None = None) -> NDArray[Any]:
        """The part of a picture (H, W, ...) at its size.

        Args:
            picture: Of any kind.
            beyond: What is beyond its edge; by default what is at the edge, carried on and blurred.
        """
        height, width = picture.shape[:2]
        rows = slice(max(0, self.top), min(height, self.top + self.height))
        columns = slice(max(0, self.left), min(width, self.left + self.width))
        pads = (
            rows.start - self.top, self.top + self.height - rows.stop,
            columns.start - self.left, self.left + self.width - columns.stop,
        )  # fmt: skip
        shown = picture[rows, columns]
        if any(pads):
            how = cv2.BORDER_REPLICATE if beyond is None else cv2.BORDER_CONSTANT
            shown = cv2.copyMakeBorder(shown, *pads, how, value=[beyond or 0] * 4)
        if self.size != (self.width, self.height):
            is_smaller = self.size[0] < self.width
            shown = cv2.resize(shown, self.size, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC)
        return self._soften(shown, pads) if any(pads) and beyond is None else shown

    def _soften(self, shown: NDArray[Any], pads: tuple[int, int, int, int]) -> NDArray[Any]:
        """The same, without the streaks that a carried-on edge is."""
        height, width = shown.shape[:2]
        top, bottom, left, right = (
            round(pad * whole / part)
            for pad, whole, part in zip(pads, (height, height, width, width),
                                        (self.height, self.height, self.width, self.width), strict=True)
        )  # fmt: skip
        radius = max(1.0, self.soft * max(height, width))
        y, x = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
        below, aside = np.maximum(top - y, y - (height - 1 - bottom)), np.maximum(left - x, x - (width - 1 - right))
        away = np.maximum(below[:, None], aside[None]) / radius
        shrink = min(1.0, _BLURRED_PX / max(height, width))
        size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
        small, out = cv2.resize(shown, size, interpolation=cv2.INTER_AREA), shown.astype(np.float32)
        for reach in (1, _FAR):  # the further away, the less is told
            blurred = cv2.GaussianBlur(small, (0, 0), reach * radius * shrink, borderType=cv2.BORDER_REPLICATE)
            share = np.clip(away / reach - (reach > 1), 0, 1)
            whole = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
            out += (share if shown.ndim == 2 else share[..., None]) * (whole - out)
        return np.rint(out).astype(shown.dtype)


_BLURRED_PX, _FAR = 192, 5  # longer side at which what is beyond is blurred; how much more it is far away


def choose_window(
    tracks: Sequence[FaceTrack],
    framing: str | None,
    size: tuple[int, int] | None,
    longest: int | None = None,
    *,
    style: FramingStyle = STYLE,
) -> Window:
    """The part of a picture that shows faces, steadily: one for all frames, in which they stay.

    Where there is less picture than is asked for, less is shown, as long as the heads are in it; beyond that, more than
    the picture, but below it, where people are cut off, there is nothing.

    Args:
        tracks: The faces.
        framing: ``head``, ``shoulders``, or ``full`` for all of the picture; None for as much as the size holds.
        size: Width and height of what is shown; None for the picture's shape, without enlarging.
        longest: Longer side at most, where no size is given.
        style: What framings are.
    """
    whole = np.array(tracks[0].size, float)
    aspect = (whole[0] / whole[1]) if size is None else size[0] / size[1]
    face, low, high = _measure_faces(tracks)
    fit = min(whole[1], whole[0] / aspect)
    spread = high - low
    if framing == "full":
        height = max(whole[1], whole[0] / aspect)
    elif framing is None:
        least = np.minimum((style.wide * face + spread[0], style.tight * face + spread[1]), whole)
        height = max(fit, least[0] / aspect, least[1])
    else:
        wanted = style.head if framing == "head" else style.shoulders
        least = max(style.tight * face + spread[1], (style.wide * face + spread[0]) / aspect)
        height = max(wanted * face + spread[1], (style.wide * face + spread[0]) / aspect)
        height = height if height <= fit else max(fit, least)
    wide, tall = max(1, round(height * aspect)), max(1, round(height))
    middle = (low + high) / 2
    spare = max(0.0, (tall - spread[1]) / face - style.hair - 0.5)
    above = face * (style.hair + min(spare / 2, style.above))
    left = _place(middle[0] - wide / 2, wide, whole[0], 0.5)
    top = _place(low[1] - above, tall, whole[1], 1.0)
    return Window(left, top, wide, tall, size or _even((wide, tall), longest), style.soft)


def _place(start: float, extent: int, whole: float, rest: float) -> int:
    """Where a part begins: inside where it fits, and else with a share of what is beyond before it."""
    return round(np.clip(start, 0, whole - extent)) if extent <= whole else round((whole - extent) * rest)


def _measure_faces(tracks: Sequence[FaceTrack]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Height of the tallest face, and between where the middles of faces lie, x and y; in pixels."""
    heights, middles = [], []
    for track in tracks:
        points = track.points[track.usable][:, :MESH_POINTS, :2].astype(float)
        top, bottom = points.min(axis=1), points.max(axis=1)
        heights.append(float(np.median((bottom - top)[:, 1])))
        middles.append((top + bottom) / 2)
    together = np.concatenate(middles)
    return max(heights), np.percentile(together, 2, axis=0), np.percentile(together, 98, axis=0)


def _even(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """A size with even sides, the longer no more than is said."""
    scale = 1.0 if longest is None else min(1.0, longest / max(size))
    wide, tall = (max(SIDES, round(side * scale / SIDES) * SIDES) for side in size)
    return wide, tall
