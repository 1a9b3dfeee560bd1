"""Frames at twice their size, with the detail that an enlarged picture lacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import ConfigError
from facediff.models.super_resolver import BACK_PROJECTED, MOST_NOISE, SuperResolver
from facediff.types import Frame

SCALE = SuperResolver.scale
_EDGE = 4  # pixels around a frame, as those at its edge: the network's own edge is grey


class Enlarger:
    """Makes frames twice as large, each by itself, on one network call.

    Noise that is added hides what compression did to a frame: the network is told how much there is, and takes out both
    (conditioning augmentation; Ho et al., Imagen Video, 2022). It is the same for all frames, as their blocks move less
    from frame to frame than fresh noise would.

    Args:
        network: See ``SuperResolver``.
        noise: Standard deviation of the noise that frames have, for pictures in [-1, 1]: it is taken out.
        augment: Standard deviation of the noise that is added.
        seed: Of the noise that is added.

    Raises:
        ConfigError: There is more noise than the network was trained with.
    """

    def __init__(self, network: SuperResolver, *, noise: float = 0.0, augment: float = 0.0, seed: int = 0) -> None:
        told = math.hypot(noise, augment)
        if told > MOST_NOISE + 1e-9:
            raise ConfigError(
                f"noise and augment make {told:.3g} together, and {MOST_NOISE:g} is the most that can be taken out"
            )
        self._network, self._augment, self._seed = network, augment, seed
        self._is_clean = told == 0
        self._told = torch.full((1,), told, device=network.device)
        self._grain: NDArray[np.float32] | None = None

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Frames (H, W, 3) or (H, W, 4) uint8 as (2H, 2W, ...); what is transparent stays so."""
        yield from map(self.enlarge, frames)

    @torch.inference_mode()
    def enlarge(self, frame: Frame) -> Frame:
        """A frame; see ``__call__``."""
        picture = np.ascontiguousarray(frame[..., :3]).astype(np.float32) / np.float32(127.5) - 1
        height, width = picture.shape[:2]
        if self._augment:
            picture += self._noise(height, width)
        made = self._missing(picture)
        made += enlarge_bicubic(picture)
        if self._is_clean:
            made = back_project(made, picture)
        levels = np.clip((made + 1) * np.float32(127.5) + np.float32(0.5), 0, 255).astype(np.uint8)
        if frame.shape[2] == 3:
            return levels
        return np.dstack([levels, enlarge_bicubic(frame[..., 3])])

    def _missing(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """What bicubic enlargement of a picture (H, W, 3) in [-1, 1] lacks, (2H, 2W, 3)."""
        height, width = picture.shape[:2]
        pads = _EDGE, _EDGE + height % 2, _EDGE, _EDGE + width % 2
        even = cv2.copyMakeBorder(picture, *pads, cv2.BORDER_REPLICATE)
        given = torch.from_numpy(even).permute(2, 0, 1)[None].to(self._network.device, self._network.dtype)
        added = self._network(given, self._told)[0].permute(1, 2, 0).float().cpu().numpy()
        first = SCALE * _EDGE
        return np.ascontiguousarray(added[first : first + SCALE * height, first : first + SCALE * width])

    def _noise(self, height: int, width: int) -> NDArray[np.float32]:
        """That which all frames of a clip have in common."""
        if self._grain is None or self._grain.shape[:2] != (height, width):
            rng = np.random.default_rng(self._seed)
            self._grain = self._augment * rng.standard_normal((height, width, 3), np.float32)
        return self._grain


def enlarge_bicubic(picture: NDArray) -> NDArray:
    """A picture (H, W) or (H, W, C) of any numbers as (2H, 2W, ...)."""
    return cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)


def back_project(made: NDArray[np.float32], given: NDArray[np.float32], share: float = BACK_PROJECTED) -> NDArray:
    """An enlarged picture (2H, 2W, C), nearer to that which it was made of: halved, it lacks less of it.

    What its means of two by two pixels lack of ``given`` (H, W, C) is enlarged bicubically and added: one step of
    iterative back-projection (Irani and Peleg, "Improving Resolution by Image Registration", CVGIP 1991). Noise that
    was taken out would come back.

    Args:
        made: What is enlarged.
        given: What it was made of.
        share: How much is added.
    """
    lacking = given - cv2.resize(made, None, fx=1 / SCALE, fy=1 / SCALE, interpolation=cv2.INTER_AREA)
    return made + np.float32(share) * enlarge_bicubic(lacking)
