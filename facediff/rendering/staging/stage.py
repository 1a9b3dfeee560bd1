"""Frames as they are shown: the person before what is wanted behind them, in the part that is wanted of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from facediff.landmarks.push_pull import push_pull
from facediff.rendering.staging.framing import Window
from facediff.rendering.staging.matting import Matte, SteadyMatte, estimate_foreground
from facediff.types import Frame

BLUR = 0.025  # of the longer side: about what a portrait lens leaves of a room
_FINE_PX = 480  # longer side at which what is blurred is blurred


@dataclass(frozen=True)
class Backdrop:
    """What is behind the person.

    Attributes:
        picture: (H, W, 3) of the size that is shown; None where what was filmed is blurred, or there is nothing.
        is_transparent: Whether there is nothing.
    """

    picture: Frame | None = None
    is_transparent: bool = False


@dataclass(frozen=True)
class Stage:
    """Puts frames of a clip on a stage.

    Attributes:
        backdrop: What is behind the person; None for what was filmed.
        window: What part is shown; None for all.
        plate: (H, W, 3) what was filmed behind a portrait, blurred; of a video each frame has its own.
        quarters: By which a video is turned to be looked at; see ``person_mask``.
    """

    backdrop: Backdrop | None = None
    window: Window | None = None
    plate: Frame | None = None
    quarters: int = 0

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Frames as they are shown, RGB, or RGBA where there is nothing behind the person.

        Args:
            frames: In order; RGBA where the matte of each is known, and else the person is looked for.
        """
        find = SteadyMatte(quarters=self.quarters)
        for frame in frames:
            if self.backdrop is None:
                yield self._show(frame)
                continue
            if frame.shape[2] == 4:
                front, matte = np.ascontiguousarray(frame[..., :3]), frame[..., 3].astype(np.float32) / np.float32(255)
            else:
                matte = find(frame)
                front = estimate_foreground(frame, matte)
            yield self._compose(front, matte, frame[..., :3], self.backdrop)

    def _show(self, picture: Frame) -> Frame:
        return picture if self.window is None else self.window.show(picture)

    def _compose(self, front: Frame, matte: Matte, frame: Frame, backdrop: Backdrop) -> Frame:
        shown, size = self._show(front), (front.shape[1], front.shape[0])
        share = matte if self.window is None else np.clip(self.window.show(matte, beyond=0), 0, 1)
        if backdrop.is_transparent:
            return np.dstack([shown, np.rint(255 * share).astype(np.uint8)])
        behind = backdrop.picture
        if behind is None:
            behind = self._show(blur_behind(frame, matte) if self.plate is None else fill_picture(self.plate, size))
        mixed = behind + share[..., None] * (shown.astype(np.float32) - behind)
        return np.rint(mixed).astype(np.uint8)


def fill_picture(picture: Frame, size: tuple[int, int]) -> Frame:
    """The middle of a picture, as much of it as fills a size (width, height)."""
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    wide, tall = (min(whole, max(1, round(side / scale))) for side, whole in zip(size, (width, height), strict=True))
    left, top = (width - wide) // 2, (height - tall) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture[top : top + tall, left : left + wide], size, interpolation=how), np.uint8)


def blur_behind(frame: Frame, matte: Matte) -> Frame:
    """What was filmed behind a person (H, W, 3), out of focus, with nothing of them in it."""
    height, width = matte.shape
    shrink = min(1.0, _FINE_PX / max(height, width))
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    free = cv2.erode(1 - cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.ones((5, 5), np.uint8))
    free = np.clip(2 * free - 1, 0, 1)  # a pixel that is half a person tells nothing of what is behind
    blurred = cv2.GaussianBlur(push_pull(small, free), (0, 0), BLUR * max(size))
    return np.rint(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)).astype(np.uint8)
