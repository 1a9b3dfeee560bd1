"""One frame to be rendered: what a warper hands to whoever paints."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients
from facediff.types import Frame, RigidPose


@dataclass(frozen=True)
class WarpedFace:
    """A face that was carried to other landmarks, and what its frame lacks there.

    Attributes:
        points: Landmarks (478, 3) wanted, in pixels of the frame.
        pose: Head pose of this frame, one row.
        reference: Mouth window of the frame before, moved to the same landmarks; None where the frame's own will do.
        disocclusion: How much of what the opened mouth shows is missing from the frame, from 0 (it keeps its own teeth,
            and what the denoiser changes is added) to 1 (what is between the lips is painted anew).
        unobserved: How little any moment of the source shows of what is between the lips, from 0 to 1; see
            ``facediff.rendering.disocclusion``.
        drawn_lids: (2,) how much of each shut lid is drawn already, from 0 to 1.
        motion_residual: (31,) the source's own motion less the one wanted: 0 where nothing moves.
        source_points: Landmarks (478, 3) that the warp started from, of the same head at the same size; None where
            they are not known.
        inpaint: Makes what the source does not show between the lips of a painted frame (H, W, 3); None where nothing
            is made. See ``facediff.rendering.inpainting.protocol``.
    """

    points: NDArray[np.float32]
    pose: RigidPose
    reference: NDArray[np.uint8] | None = None
    disocclusion: float = 1.0
    unobserved: float = 0.0
    drawn_lids: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    motion_residual: NDArray[np.float32] = field(default_factory=lambda: np.zeros(coefficients.DIMENSIONS, np.float32))
    source_points: NDArray[np.float32] | None = None
    inpaint: Callable[[Frame, WarpedFace], Frame] | None = None

    def inpaint_mouth(self, picture: Frame) -> Frame:
        """A painted frame (H, W, 3) with what its source does not show drawn between its lips."""
        return picture if self.inpaint is None else self.inpaint(picture, self)


@dataclass(frozen=True)
class WarpedFrame:
    """A frame with its face moved, or as it was where it shows none.

    Attributes:
        picture: (H, W, 3) uint8.
        face: What was moved; None where the frame is to pass as it is.
        matte: (H, W) uint8, how much of each pixel is the person, where they were cut out.
    """

    picture: Frame
    face: WarpedFace | None = None
    matte: NDArray[np.uint8] | None = None


Warp: TypeAlias = Callable[[slice], Iterator[WarpedFrame]]  # frames of a part of a clip, in order


class Paintable(Protocol):
    """A frame that is painted where it shows a face."""

    @property
    def picture(self) -> Frame:
        """(H, W, 3) uint8."""
        ...

    @property
    def face(self) -> object | None:
        """What is painted; None where the frame passes as it is."""
        ...


P = TypeVar("P", bound=Paintable)
FIRST = 2  # frames that are painted before a whole chunk is


def paint_in_chunks(
    frames: Iterable[P], size: int, paint: Callable[[list[P]], Iterable[Frame]], first: int = FIRST
) -> Iterator[Frame]:
    """Finished frames, in order: those with a face are painted among ``size`` at a time, the others pass untouched.

    Args:
        frames: In order.
        size: Frames of a chunk.
        paint: Makes as many of so many.
        first: Frames of the first chunk: fewer, so that whoever shows frames as they come waits for few.
    """
    frames = iter(frames)
    waiting = list(islice(frames, min(first, size)))
    while waiting:
        yield from paint_waiting(waiting, paint)
        waiting = list(islice(frames, size))


def keep_mattes(
    frames: Iterable[WarpedFrame], finish: Callable[[Iterator[WarpedFrame]], Iterator[Frame]]
) -> Iterator[Frame]:
    """Finished frames, in order; where a person was cut out, with their matte as a fourth channel.

    Args:
        frames: In order.
        finish: Makes as many of them, in their order, and may read ahead.
    """
    mattes: deque[NDArray[np.uint8] | None] = deque()

    def watched() -> Iterator[WarpedFrame]:
        for frame in frames:
            mattes.append(frame.matte)
            yield frame

    for picture in finish(watched()):
        yield add_matte(picture, mattes.popleft())


def add_matte(picture: Frame, matte: NDArray[np.uint8] | None) -> Frame:
    """A picture (H, W, 3) with a matte (H, W) as its fourth channel, if there is one."""
    return picture if matte is None else np.dstack([picture, matte])


def split_matte(picture: Frame) -> tuple[Frame, NDArray[np.uint8] | None]:
    """A picture (H, W, 3), and the matte (H, W) that was its fourth channel, if there was one."""
    if picture.shape[2] == 3:
        return picture, None
    return np.ascontiguousarray(picture[..., :3]), picture[..., 3]


def paint_waiting(waiting: list[P], paint: Callable[[list[P]], Iterable[Frame]]) -> Iterator[Frame]:
    """Finished frames, in order: those with a face painted at once, the others as they are."""
    with_face = [frame for frame in waiting if frame.face is not None]
    painted = iter(paint(with_face) if with_face else ())
    for frame in waiting:
        yield frame.picture if frame.face is None else next(painted)
