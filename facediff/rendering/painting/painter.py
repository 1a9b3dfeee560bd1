"""What all painters do: frames through a crop, a denoiser, and back into the frame where something was lacking."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.landmarks.alignment import Alignment
from facediff.rendering import CHUNK
from facediff.rendering.ahead import count_painters, paint_ahead
from facediff.rendering.compose import add_window, heed_colours, keep_detail
from facediff.rendering.crops import as_levels
from facediff.rendering.frame import FIRST, Paintable, WarpedFace
from facediff.types import Frame


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How latents are sampled.

    Attributes:
        num_inference_steps: Network calls a frame.
        seed: Of the initial noise, which all frames share.
        temperature: Deviation of the initial noise; less than 1 trades variety for steadiness, as few steps need.
        chunk: Frames painted at once.
        first: Frames painted before the first whole chunk; see ``facediff.rendering.frame.paint_in_chunks``.
    """

    num_inference_steps: int = 1
    seed: int = 0
    temperature: float = 0.5
    chunk: int = CHUNK
    first: int = FIRST


@dataclass(frozen=True)
class View:
    """A warped face through the crop that is painted. Maps are (H, W), in [0, 1] unless said otherwise.

    Attributes:
        alignment: Between frame and crop.
        crop: (H, W, 3) uint8.
        points: Landmarks (478, 3) in its pixels.
        mask: What is to be painted, 1 where it is.
        maps: What the conditioner draws on: lips or the face, (K, h, w) uint8.
        paste: How much of the change is wanted.
        fresh: Where painted pixels replace those of the crop.
    """

    alignment: Alignment
    crop: NDArray[np.uint8]
    points: NDArray[np.float32]
    mask: NDArray[np.float32]
    maps: NDArray[np.uint8]
    paste: NDArray[np.float32]
    fresh: NDArray[np.float32]


FrameT = TypeVar("FrameT", bound=Paintable)
ViewT = TypeVar("ViewT", bound=View)
CondT = TypeVar("CondT")


class WindowPainter(ABC, Generic[FrameT, ViewT, CondT]):
    """Paints a crop of each face and pastes what has changed."""

    def __init__(self, settings: SamplingSettings) -> None:
        self._sampling = settings

    def __call__(self, frames: Iterable[FrameT]) -> Iterator[Frame]:
        """Finished frames, in order; those without a face pass untouched."""
        return (picture for _, picture in self.pair(frames))

    def pair(self, frames: Iterable[FrameT]) -> Iterator[tuple[FrameT, Frame]]:
        """Frames, in order, each with what it is when it is finished; others are warped and painted meanwhile."""
        return paint_ahead(
            frames, self._sampling.chunk, self.paint, count_painters(self._device()), self._sampling.first
        )

    def paint(self, frames: list[FrameT]) -> list[Frame]:
        """Finished frames, painted at once; each has a face."""
        faces = [_face_of(frame) for frame in frames]
        views = [self._view(frame, face) for frame, face in zip(frames, faces, strict=True)]
        cond, before = self._condition(frames, faces, views)
        latents = self._sample(cond)
        with torch.inference_mode():
            decoded = self._decode(torch.cat([latents, before]))
        made, round_trip = np.split(as_levels(decoded), 2)
        return [
            face.inpaint_mouth(self._paste(frame, view, *pictures))
            for frame, face, view, *pictures in zip(frames, faces, views, made, round_trip, strict=True)
        ]

    def _paste(self, frame: FrameT, view: ViewT, made: NDArray[np.float32], round_trip: NDArray[np.float32]) -> Frame:
        return add_window(frame.picture, self._change(view, made, round_trip), view.alignment.inverses[0])

    def _change(self, view: ViewT, made: NDArray[np.float32], round_trip: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is added to a crop (H, W, 3), in levels, so that it shows what was painted."""
        change = keep_detail(made, view.crop.astype(np.float32), round_trip, view.paste, view.fresh)
        return heed_colours(self._blend(view, change), view.crop)

    def _blend(self, view: ViewT, change: NDArray[np.float32]) -> NDArray[np.float32]:
        """The change (H, W, 3) as it is pasted."""
        return change

    @abstractmethod
    def _device(self) -> torch.device:
        """Where the networks run."""

    @abstractmethod
    def _view(self, frame: FrameT, face: WarpedFace) -> ViewT:
        """A face through the crop."""

    @abstractmethod
    def _condition(self, frames: list[FrameT], faces: list[WarpedFace], views: list[ViewT]) -> tuple[CondT, Tensor]:
        """What the denoiser is told, and the latents (F, L, h, w) of the crops as they are."""

    @abstractmethod
    def _sample(self, cond: CondT) -> Tensor:
        """Latents (F, L, h, w) of painted crops."""

    @abstractmethod
    def _decode(self, latents: Tensor) -> Tensor:
        """Pictures (F, 3, H, W) in [-1, 1]."""


def _face_of(frame: Paintable) -> WarpedFace:
    assert isinstance(frame.face, WarpedFace)
    return frame.face
