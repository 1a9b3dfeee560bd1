"""The faces of an upload, numbered on a picture of it. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facediff.demo.limits import Limits
from facediff.landmarks.detection import eye_distance, find_faces
from facediff.media import VideoReader
from facediff.types import Frame

SHOWN_PX = 1024
ACCENT, QUIET = (13, 148, 136), (255, 255, 255)


class Seen(NamedTuple):
    """A picture of at most 1024 pixels a side and the faces in it.

    Attributes:
        picture: RGB.
        boxes: Left, top, right, bottom of each face in its pixels, from left to right.
        largest: Index of the largest face; 0 where there is none.
    """

    picture: Frame
    boxes: list[tuple[int, int, int, int]]
    largest: int


@lru_cache(maxsize=16)
def look(path: str, is_video: bool, limits: Limits) -> Seen:
    """What is seen in a picture, or in the first frame of a video that shows a face; a path names its content.

    Raises:
        InputError: It cannot be used.
    """
    seen = Seen(np.zeros((1, 1, 3), np.uint8), [], 0)
    for picture in _first_frames(limits.check_video(path)) if is_video else [limits.picture(path)]:
        meshes = find_faces(picture)
        shrink = min(1.0, SHOWN_PX / max(picture.shape[:2]))
        size = (max(1, round(picture.shape[1] * shrink)), max(1, round(picture.shape[0] * shrink)))
        small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
        boxes = [tuple((np.r_[m[:, :2].min(0), m[:, :2].max(0)] * shrink).round().astype(int).tolist()) for m in meshes]
        seen = Seen(small, boxes, int(np.argmax([eye_distance(m) for m in meshes])) if meshes else 0)
        if boxes:
            break
    return seen


def _first_frames(path: Path) -> Iterator[Frame]:
    """A frame of every half second, of the first ten."""
    reader = VideoReader(path)
    return islice(reader, 0, round(10 * reader.info.fps), max(1, round(reader.info.fps / 2)))


def annotate(seen: Seen, chosen: int) -> Frame:
    """The picture with a numbered box around each face; the chosen one stands out."""
    picture = Image.fromarray(seen.picture)
    draw = ImageDraw.Draw(picture)
    width = max(2, max(picture.size) // 250)
    font = ImageFont.load_default(size=max(14, max(picture.size) // 32))
    for index, (left, top, right, bottom) in enumerate(seen.boxes):
        colour, ink = (ACCENT, QUIET) if index == chosen else (QUIET, (30, 41, 59))
        draw.rounded_rectangle((left, top, right, bottom), radius=4 * width, outline=colour, width=width)
        text = str(index)
        x0, y0, x1, y1 = draw.textbbox((left, top), text, font=font)
        pad = 2 * width
        draw.rounded_rectangle((x0 - pad, y0 - pad, x1 + pad, y1 + pad), radius=2 * width, fill=colour)
        draw.text((left, top), text, fill=ink, font=font)
    return np.asarray(picture)


def nearest(seen: Seen, x: float, y: float) -> int:
    """Index of the face whose middle is nearest to a point."""
    middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in seen.boxes]
    return int(np.argmin([np.hypot(x - mx, y - my) for mx, my in middles])) if middles else 0
