"""Pictures side by side, for eyes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from facediff.types import Frame


def panel_width(size: tuple[int, int], height: int) -> int:
    """Width, even, of a picture of a size (width, height) that is brought to a height."""
    return max(2, round(size[0] * height / size[1] / 2) * 2)


def fitted(frame: Frame, height: int) -> Frame:
    """A frame brought to a height, its shape kept."""
    size = (panel_width((frame.shape[1], frame.shape[0]), height), height)
    if size == (frame.shape[1], frame.shape[0]):
        return frame
    kind = cv2.INTER_AREA if height < frame.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(frame, size, interpolation=kind)


def side_by_side(*streams: Iterable[Frame]) -> Iterator[Frame]:
    """Frames of several streams, one beside the other, at the height of the last stream's."""
    for frames in zip(*streams, strict=False):
        height = frames[-1].shape[0]
        yield np.hstack([fitted(frame, height) for frame in frames])


def around_head(frame: Frame, points: NDArray[np.floating]) -> Frame:
    """The part of a frame that a head fills, hair and chin included; a view, cut at the frame's edges.

    Args:
        frame: (H, W, 3).
        points: Landmarks (478, 2 or 3) in pixels; of several frames (..., 478, 2 or 3), a head that moves stays inside.
    """
    flat = points[..., :2].reshape(-1, 2)
    low, high = flat.min(axis=0), flat.max(axis=0)
    side = high - low
    left, top = np.maximum(low - side * (0.45, 0.6), 0).astype(int)
    right, bottom = np.ceil(high + side * (0.45, 0.3)).astype(int)
    return frame[top:bottom, left:right]


def strip(panels: Sequence[tuple[Frame, str]], *, height: int = 360) -> Frame:
    """Pictures in a row, each with a caption below it.

    Args:
        panels: Pictures and captions.
        height: Of the pictures in pixels; smaller ones stay as they are.
    """
    height = min(height, min(frame.shape[0] for frame, _ in panels))
    font = ImageFont.load_default(max(10, height // 16))
    columns = []
    for frame, caption in panels:
        picture = fitted(frame, height)
        column = Image.new("RGB", (picture.shape[1], height + height // 10), "white")
        column.paste(Image.fromarray(picture))
        middle = (picture.shape[1] / 2, height + height / 20)
        ImageDraw.Draw(column).text(middle, caption, fill="black", font=font, anchor="mm")
        columns.append(np.asarray(column))
    return np.hstack(columns)
