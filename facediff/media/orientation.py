"""Which way up a video is shown: the display matrix of its file, as one of the eight ways a picture can lie."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np

from facediff.media.notices import warn_once
from facediff.media.side_data import side_data
from facediff.types import Frame

_MIRROR = np.array([[-1, 0], [0, 1]])  # where x and y go, y pointing down
_QUARTER = np.array([[0, 1], [-1, 0]])  # counter-clockwise
_NEARLY = 0.99  # cosine of 8 degrees, beyond which turning by quarters is told


@dataclass(frozen=True)
class Orientation:
    """How stored frames become upright ones.

    Attributes:
        turns: Quarters counter-clockwise, 0 to 3, after mirroring.
        is_mirrored: Whether left and right change places first.
    """

    turns: int = 0
    is_mirrored: bool = False

    def size(self, stored: tuple[int, int]) -> tuple[int, int]:
        """Width and height of upright frames."""
        return stored[::-1] if self.turns % 2 else stored

    def __call__(self, frame: Frame) -> Frame:
        """The frame (H, W, 3) upright."""
        if not self.turns and not self.is_mirrored:
            return frame
        return np.ascontiguousarray(np.rot90(frame[:, ::-1] if self.is_mirrored else frame, self.turns))


_EIGHT = {
    Orientation(turns, bool(flips)): np.linalg.matrix_power(_QUARTER, turns) @ np.linalg.matrix_power(_MIRROR, flips)
    for flips in range(2)
    for turns in range(4)
}


def orientation_of(frame: av.VideoFrame, name: str) -> Orientation:
    """How a decoded frame is to be shown; as it is where its file says nothing.

    Files turn by any angle, players by quarters; what is not a multiple of 90 degrees is rounded to one, with a
    warning that names the file by ``name``.
    """
    data = side_data(frame, "DISPLAYMATRIX")
    if data is None:
        return Orientation()
    (a, b, _), (c, d, _), _ = np.frombuffer(data, "=i4", 9).reshape(3, 3).astype(float)
    moved = np.array([[a, c], [b, d]])  # ISO/IEC 14496-12, 8.3.2: x' = a x + c y, y' = b x + d y
    lengths = np.linalg.norm(moved, axis=0)
    if not lengths.all():  # flattened to a line: no player shows that
        return Orientation()
    likeness = {way: float((moved / lengths * matrix).sum() / 2) for way, matrix in _EIGHT.items()}
    best = max(likeness, key=likeness.__getitem__)
    if likeness[best] < _NEARLY:
        warn_once(f"{name} is turned by an angle that is no multiple of 90 degrees; the nearest one is taken")
    return best
