"""Pictures that move, GIF, WebP, AVIF and PNG, as frames with the time of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from facediff.errors import MediaError
from facediff.media.decoding import VideoInfo
from facediff.media.pictures import flatten, open_picture
from facediff.media.rates import filled_rate, measured_rate
from facediff.types import Frame

log = logging.getLogger(__name__)

_SHORTEST_MS, _USUAL_MS = 10, 100  # browsers show what asks for 10 ms and less for 100


class Animation:
    """A picture that moves; every iteration gives each frame (H, W, 3) uint8, over white, with its time in seconds.

    A file that is damaged part-way gives the frames before the damage, with a warning.

    Args:
        path: The file.

    Raises:
        MediaError: It is damaged from the first frame on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        times = [Fraction(0), *read_ends(path)]
        _, first = next(iter(self))
        self.info = VideoInfo(
            width=first.shape[1],
            height=first.shape[0],
            fps=filled_rate(measured_rate(times), times),
            seconds=float(times[-1]),
            has_audio=False,
            is_tagged=True,
        )
        self.last_s = times[-1] - times[-2]  # how long its last frame is shown

    def __iter__(self) -> Iterator[tuple[Fraction, Frame]]:
        """Each frame with its time."""
        time = Fraction(0)
        for picture in _opened_frames(self.path, tell=True):
            yield time, np.array(flatten(ImageOps.exif_transpose(picture)))
            time += _shown_s(picture)


def read_ends(path: Path) -> Iterator[Fraction]:
    """When the showing of each frame of a moving picture ends, in seconds from its start.

    Raises:
        MediaError: It is damaged from the first frame on.
    """
    end = Fraction(0)
    for picture in _opened_frames(path):
        end += _shown_s(picture)
        yield end


def _shown_s(picture: Image.Image) -> Fraction:
    asked = float(picture.info.get("duration") or 0)
    return (Fraction(asked).limit_denominator(1000) if asked > _SHORTEST_MS else Fraction(_USUAL_MS)) / 1000


def _opened_frames(path: Path, *, tell: bool = False) -> Iterator[Image.Image]:
    """The picture at each of its frames in turn."""
    count = 0
    try:
        with open_picture(path) as picture:
            while True:
                picture.seek(count)
                picture.load()  # where WebP and AVIF tell how long it is shown
                yield picture
                count += 1
    except EOFError:  # of the frame behind the last one
        return
    except Exception as error:  # Pillow's plug-ins raise anything on a damaged file
        if not count:
            raise MediaError(f"{path} cannot be read as a video: it is damaged") from error
        if tell:
            log.warning("%s is damaged; the frames before the damage are used (%s)", path, error)
