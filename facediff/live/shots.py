"""What frames of a portrait show to the portrait warped, a few at a time; another process may paint it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import SILENCE
from facediff.live.performer import Performed
from facediff.motion import coefficients
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.warping.portrait import PortraitWarper

MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Shot:
    """A frame that is warped and still to be painted.

    Attributes:
        frame: See ``WarpedFrame``; what is between its lips is for whoever paints it to make.
        window: (columns, dim) what is heard.
        opening: How much lips do, from 0, at rest, to 1; those that rest are not painted anew.
    """

    frame: WarpedFrame
    window: NDArray[np.floating]
    opening: float


class ShotMaker:
    """Warps one portrait.

    Args:
        warper: The portrait.
        columns: Width of the windows of what is heard.
    """

    def __init__(self, warper: PortraitWarper, columns: int = 32) -> None:
        warper.prepare()
        self._silence = np.full((columns, 80), SILENCE, np.float32)
        self._rows = np.zeros((MOST_AT_ONCE, coefficients.DIMENSIONS), np.float32)
        self._warp = warper.follow(self._rows)  # reads a row when its frame is asked for

    def rest(self, rows: NDArray[np.float32] | None = None) -> Performed:
        """What frames show that move by rows (n, 31), one frame by none, while nothing is heard and lips rest."""
        rows = np.zeros((1, coefficients.DIMENSIONS), np.float32) if rows is None else rows
        return Performed(rows, np.repeat(self._silence[None], len(rows), axis=0), np.zeros(len(rows), np.float32))

    def make(self, done: Performed) -> list[Shot]:
        """Shots of what n ≤ 4 frames show; by one thread at a time."""
        self._rows[: len(done.rows)] = done.rows
        warped = [_without_inpainter(frame) for frame in self._warp(slice(0, len(done.rows)))]
        return [Shot(*told) for told in zip(warped, done.windows, done.opening.tolist(), strict=True)]


def _without_inpainter(frame: WarpedFrame) -> WarpedFrame:
    return frame if frame.face is None else replace(frame, face=replace(frame.face, inpaint=None))
