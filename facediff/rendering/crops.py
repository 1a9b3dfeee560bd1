"""Crops of a frame as networks and drawings take them: points, borders, pictures as tensors and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.landmarks.alignment import Alignment, CropTemplate
from facediff.types import RigidPose

COARSEST, FINENESS = 96, 48  # pixels to an eye distance in which things are drawn at least, and their steps


def place_in_crop(
    points: NDArray[np.floating], alignment: Alignment, pose: RigidPose, template: CropTemplate
) -> NDArray[np.float32]:
    """Landmarks (478, 3) of a frame in pixels of its crop, depth scaled alike."""
    depth = points[:, 2:] * (template.unit_px / pose.scale[0])
    return np.concatenate([alignment.to_crop(points, 0), depth], axis=1, dtype=np.float32)


def choose_drawing_unit(scale: float, finest: float) -> float:
    """Pixels to an eye distance in which something is drawn on a face of ``scale`` pixels: about as many, in steps.

    Args:
        scale: Of the face in its frame.
        finest: What is more than enough.
    """
    return float(np.clip(FINENESS * np.ceil(scale / FINENESS), COARSEST, finest))


@lru_cache(maxsize=8)
def fade_border(size: tuple[int, int], width: float = 6.0) -> NDArray[np.float32]:
    """(H, W) from 0 at the border of a crop of ``size`` to 1 at ``width`` pixels from it."""
    x = np.minimum(np.arange(size[0]), np.arange(size[0])[::-1])
    y = np.minimum(np.arange(size[1]), np.arange(size[1])[::-1])
    border = (np.clip(x / width, 0, 1)[None] * np.clip(y / width, 0, 1)[:, None]).astype(np.float32)
    border.setflags(write=False)  # the same for all who ask
    return border


def as_pictures(crops: list[NDArray[np.uint8]]) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] of crops (H, W, 3) uint8."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def as_levels(pictures: Tensor) -> NDArray[np.float32]:
    """Crops (B, H, W, 3) float32, 0 to 255, of pictures (B, 3, H, W) in [-1, 1]."""
    levels = pictures.to("cpu", torch.float32, copy=True)
    return levels.add_(1).mul_(127.5).clamp_(0, 255).permute(0, 2, 3, 1).numpy()
