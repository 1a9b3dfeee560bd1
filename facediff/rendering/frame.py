"""One frame to be rendered: what the coarse stage hands to whoever paints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients
from facediff.types import Frame, RigidPose

T = TypeVar("T")


class SourceTeeth(NamedTuple):
    """What a picture shows between its lips; see ``facediff.rendering.inpainting.teeth``.

    Attributes:
        picture: (H, W, 4): colours, and from 0 to 1 where they are known.
        linear: (2, 2) from eye distances across and down the face to its pixels.
        anchor: (2,) where ``point`` is in it.
        point: The landmark that they move with, of the skull or of the lower lip.
        share: How sure it is that they are teeth, from 0 to 1.
    """

    picture: NDArray[np.float32]
    linear: NDArray[np.float32]
    anchor: NDArray[np.float32]
    point: int
    share: float


@dataclass(frozen=True)
class WarpedFrame:
    """A frame with its face moved by the coarse stage.

    Attributes:
        coarse: The frame with its face already moved (H, W, 3) uint8.
        reference: Window of another moment, or of the same picture, moved to the same landmarks.
        points: Landmarks (478, 3) wanted, in pixels of the frame.
        pose: Head pose of this frame, one row.
        disocclusion: How much of what the opened mouth shows is missing from the coarse frame, from 0 (it keeps its own
            teeth, and what the denoiser changes is added) to 1 (what is between the lips is painted anew).
        unobserved: How little source and reference show of what is between the lips, from 0 to 1; see ``cavity``.
        teeth: The source's own; None where it shows none, or is a video.
        lids: (2,) how much of each shut lid is drawn already, from 0 to 1; see ``lids``.
        moved: (31,) the source's own motion less the one wanted: 0 where nothing moves.
        origin: Landmarks (478, 3) that the coarse stage started from, of the same head at the same size; None where
            they are not known.
    """

    coarse: Frame
    reference: NDArray[np.uint8] | None
    points: NDArray[np.float32]
    pose: RigidPose
    disocclusion: float = 1.0
    unobserved: float = 0.0
    teeth: SourceTeeth | None = None
    lids: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    moved: NDArray[np.float32] = field(default_factory=lambda: np.zeros(coefficients.DIMENSIONS, np.float32))
    origin: NDArray[np.float32] | None = None


def in_chunks(items: Iterable[T | Frame], size: int, work: Callable[[list[T]], Iterable[Frame]]) -> Iterator[Frame]:
    """Finished frames, in order: what is no bare frame is worked on, ``size`` items at a time; those pass untouched."""
    waiting: list[T | Frame] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == size:
            yield from _worked(waiting, work)
            waiting = []
    yield from _worked(waiting, work)


def _worked(waiting: list[T | Frame], work: Callable[[list[T]], Iterable[Frame]]) -> Iterator[Frame]:
    unfinished = [item for item in waiting if not isinstance(item, np.ndarray)]
    finished = iter(work(unfinished) if unfinished else ())
    for item in waiting:
        yield item if isinstance(item, np.ndarray) else next(finished)
