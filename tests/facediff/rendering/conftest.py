"""Portraits and videos that are warped without a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.types import FaceTrack


@dataclass(frozen=True)
class Film(Source):
    """A video whose frames are at hand."""

    shown: Sequence[np.ndarray] = ()

    @property
    def is_still(self) -> bool:
        return False

    def frames(self, start: int = 0) -> Iterator[np.ndarray]:
        return iter(self.shown[start:])

    def played(self, part: slice) -> Iterator[tuple[int, np.ndarray]]:
        return ((self.index_at(k), self.shown[self.index_at(k)]) for k in range(part.start, part.stop))


@pytest.fixture(scope="session")
def inpainter() -> DrawnInpainter:
    """The drawn rules with the embedded model's teeth and lids."""
    return DrawnInpainter(load_appearance_prior())


@pytest.fixture(scope="session")
def portrait_of(inpainter) -> Callable[[np.ndarray, FaceTrack], PortraitWarper]:
    """Makes the warper of a picture and its track."""
    return lambda picture, track: PortraitWarper(Source(picture, track, ""), inpainter)


@pytest.fixture(scope="session")
def film_of(inpainter) -> Callable[..., VideoWarper]:
    """Makes the warper of frames and their track."""

    def make(
        frames: Sequence[np.ndarray], track: FaceTrack, how: str = "keep", drawn_by: Inpainter = inpainter
    ) -> VideoWarper:
        return VideoWarper(Film(frames[0], track, "", how, shown=frames), drawn_by)

    return make
