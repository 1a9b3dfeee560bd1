"""Frames at twice their size, with the detail that an enlarged picture lacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import ConfigError
from facediff.models.super_resolver import BACK_PROJECTED, FOLD, MOST_CHANGE, MOST_NOISE, SuperResolver
from facediff.rendering.interpolation import CUT_LEVELS
from facediff.types import Frame

SCALE = SuperResolver.scale
_EDGE = 4  # pixels around a frame, as those at its edge: the network's own edge is grey
_FLOW_SIDE = 1280  # pixels of the longer side of enlarged frames at which motion is estimated, at most
_LEAST_FLOW_SIDE = 16  # of the shorter, which the search for it needs


@dataclass(frozen=True)
class Look:
    """A frame as it is enlarged by itself, and what its neighbours are compared with.

    Attributes:
        made: (2H, 2W, 3) in [-1, 1].
        features: (1, C, H/2, W/2), rounded up, what the network knows of it.
        grey: (h, w) uint8, in which motion is looked for.
    """

    made: NDArray[np.float32]
    features: torch.Tensor
    grey: NDArray[np.uint8]


class Enlarger:
    """Makes frames twice as large, on one network call each.

    A network with a temporal layer then adds what the frame before and the one behind, each enlarged by itself, show of
    a frame that it lacks. So a frame depends on three, wherever a clip is begun, and one that has no neighbours, or two
    that are like it, is what it is by itself.

    Noise that is added hides what compression did to a frame: the network is told how much there is, and takes out both
    (conditioning augmentation; Ho et al., Imagen Video, 2022). It is the same for all frames, as their blocks move less
    from frame to frame than fresh noise would.

    Args:
        network: See ``SuperResolver``.
        noise: Standard deviation of the noise that frames have, for pictures in [-1, 1]: it is taken out.
        augment: Standard deviation of the noise that is added.
        seed: Of the noise that is added.
        recalls: Whether a temporal layer is used, which takes nearly twice as long as all else.

    Raises:
        ConfigError: There is more noise than the network was trained with.
    """

    def __init__(
        self,
        network: SuperResolver,
        *,
        noise: float = 0.0,
        augment: float = 0.0,
        seed: int = 0,
        recalls: bool = True,
    ) -> None:
        told = math.hypot(noise, augment)
        if told > MOST_NOISE + 1e-9:
            raise ConfigError(
                f"noise and augment make {told:.3g} together, and {MOST_NOISE:g} is the most that can be taken out"
            )
        self._network, self._augment, self._seed = network.to(memory_format=torch.channels_last), augment, seed  # type: ignore[call-overload]
        self._is_clean, self._recalls = told == 0, recalls and network.temporal is not None
        self._told = torch.full((1,), told, device=network.device)
        self._grain: NDArray[np.float32] | None = None

    @property
    def reach(self) -> int:
        """How many frames on either side a frame depends on."""
        return int(self._recalls)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Frames (H, W, 3) or (H, W, 4) uint8 as (2H, 2W, ...); what is transparent stays so.

        Three are held at a time.
        """
        if not self.reach:
            yield from map(self.enlarge, frames)
            return
        before: Look | None = None
        now: tuple[Frame, Look] | None = None
        for frame in frames:
            after = self.look(frame)
            if now is not None:
                yield self._finish(now[0], self.recall(before, now[1], after))
                before = now[1]
            now = frame, after
        if now is not None:
            yield self._finish(now[0], self.recall(before, now[1], None))

    def enlarge(self, frame: Frame) -> Frame:
        """A frame by itself; see ``__call__``."""
        return self._finish(frame, self._make(frame)[0])

    def look(self, frame: Frame) -> Look:
        """A frame that others are to be compared with."""
        made, features = self._make(frame)
        return Look(made, features, _shrink(cv2.cvtColor(_as_levels(made), cv2.COLOR_RGB2GRAY)))

    @torch.inference_mode()
    def recall(self, before: Look | None, now: Look, after: Look | None) -> NDArray[np.float32]:
        """A frame (2H, 2W, 3) in [-1, 1] with what its neighbours show of it, where there are any.

        Raises:
            ConfigError: The network has no temporal layer.
        """
        network = self._network
        if network.temporal is None:
            raise ConfigError("the network has no temporal layer; facediff train super-resolution-time teaches it one")
        changes = [find_change(now, other) for other in (before, after)]
        if all(change is None for change in changes):
            return now.made
        height, width = now.made.shape[:2]
        tall, wide = (SCALE * FOLD * side for side in now.features.shape[2:])
        given = torch.zeros((1, 6, tall, wide), dtype=network.dtype, device=network.device)
        for change, first in zip(changes, (0, 3), strict=True):
            if change is not None:
                given[0, first : first + 3, :height, :width] = torch.from_numpy(change).permute(2, 0, 1)
        added = network.temporal(now.features, given)[0, :, :height, :width]
        return now.made + added.permute(1, 2, 0).float().cpu().numpy()

    def _finish(self, frame: Frame, made: NDArray[np.float32]) -> Frame:
        """Levels of a frame that is made, with how opaque it is."""
        levels = _as_levels(made)
        if frame.shape[2] == 3:
            return levels
        return np.dstack([levels, enlarge_bicubic(frame[..., 3])])

    @torch.inference_mode()
    def _make(self, frame: Frame) -> tuple[NDArray[np.float32], torch.Tensor]:
        """A frame by itself (2H, 2W, 3) in [-1, 1], and what the network knows of it."""
        picture = np.ascontiguousarray(frame[..., :3]).astype(np.float32) / np.float32(127.5) - 1
        height, width = picture.shape[:2]
        if self._augment:
            picture += self._noise(height, width)
        made, features = self._missing(picture)
        made += enlarge_bicubic(picture)
        if self._is_clean:
            made = back_project(made, picture)
        return np.clip(made, -1, 1), features

    def _missing(self, picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], torch.Tensor]:
        """What bicubic enlargement of a picture (H, W, 3) in [-1, 1] lacks, (2H, 2W, 3), and features of it."""
        height, width = picture.shape[:2]
        pads = _EDGE, _EDGE + height % FOLD, _EDGE, _EDGE + width % FOLD
        even = cv2.copyMakeBorder(picture, *pads, cv2.BORDER_REPLICATE)
        given = torch.from_numpy(even).permute(2, 0, 1)[None].to(self._network.device, self._network.dtype)
        missing, features = self._network.describe(given, self._told)
        added = missing[0].permute(1, 2, 0).float().cpu().numpy()
        first, place = SCALE * _EDGE, _EDGE // FOLD
        inner = features[:, :, place:-place, place:-place].contiguous(memory_format=torch.channels_last)
        return np.ascontiguousarray(added[first : first + SCALE * height, first : first + SCALE * width]), inner

    def _noise(self, height: int, width: int) -> NDArray[np.float32]:
        """That which all frames of a clip have in common."""
        if self._grain is None or self._grain.shape[:2] != (height, width):
            rng = np.random.default_rng(self._seed)
            self._grain = self._augment * rng.standard_normal((height, width, 3), np.float32)
        return self._grain


def find_change(now: Look, other: Look | None) -> NDArray[np.float32] | None:
    """What a neighbour, carried to a frame by optical flow, has more than it, (2H, 2W, 3), at most ``MOST_CHANGE``.

    Motion is looked for between enlarged frames, where it is found more exactly than between small ones. None where
    there is no neighbour, or it is of another shot.
    """
    if other is None or other.made.shape != now.made.shape:
        return None
    height, width = now.made.shape[:2]
    flow = _search().calc(now.grey, other.grey, None)  # type: ignore[call-overload]
    if flow.shape[:2] != (height, width):
        scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * scale
    flow += _places(height, width)
    change = cv2.remap(other.made, flow, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    cv2.subtract(change, now.made, dst=change)
    if 127.5 * float(np.abs(cv2.resize(change, (64, 64), interpolation=cv2.INTER_AREA)).mean()) > CUT_LEVELS:
        return None
    return np.clip(change, -MOST_CHANGE, MOST_CHANGE, out=change)


def _search() -> cv2.DISOpticalFlow:
    """Faster than the preset that it comes of, and carries a frame as near to the next one but for 0.2 dB."""
    made = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    made.setVariationalRefinementIterations(0)
    made.setPatchStride(4)
    made.setGradientDescentIterations(16)
    return made


@lru_cache(maxsize=1)
def _places(height: int, width: int) -> NDArray[np.float32]:
    """Column and row of each pixel, (H, W, 2)."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([columns, rows], axis=2)


def _shrink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of the size at which motion is looked for."""
    height, width = grey.shape
    scale = max(min(1.0, _FLOW_SIDE / max(height, width)), _LEAST_FLOW_SIDE / min(height, width))
    if scale == 1:
        return grey
    size = max(_LEAST_FLOW_SIDE, round(width * scale)), max(_LEAST_FLOW_SIDE, round(height * scale))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _as_levels(made: NDArray[np.float32]) -> Frame:
    return np.clip((made + 1) * np.float32(127.5) + np.float32(0.5), 0, 255).astype(np.uint8)


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
