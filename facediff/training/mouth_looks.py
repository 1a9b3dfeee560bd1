"""What mouths look like that a denoiser predicts: decoded, and judged beside real ones.

In latents, the mean of all that could be between two lips is the best guess of it. In pictures it is a mist that no
critic lets pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facediff.models.codec import FaceCodec
from facediff.training.latents import to_pictures
from facediff.training.looks import Looks
from facediff.training.loop import Batch

SIZE = (9, 12)  # latents down and across of what is looked at: lips, however wide they open


@dataclass(frozen=True, kw_only=True)
class MouthWeights:
    """How much counts what is seen.

    Attributes:
        looks: Of the judge of looks, beside the squared error of latents.
        pixels: Of the mean absolute error between the lips.
        around: Of a place in the mask over one between the lips.
    """

    looks: float = 2.0
    pixels: float = 1.0
    around: float = 0.25


class MouthLooks:
    """Judges the mouths that predicted latents decode to.

    Args:
        codec: Latents to pictures; it stays as it is.
        looks: Judges pictures.
        weights: What counts how much.
    """

    def __init__(self, codec: FaceCodec, looks: Looks, weights: MouthWeights = MouthWeights()) -> None:
        self._codec = codec.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._looks, self._weights = looks, weights
        self.companions = looks.companions

    def __call__(self, batch: Batch, predicted: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss, and figures for the log.

        Args:
            batch: What ``LatentDraw`` drew, pictures included: outside the mask the truth is known.
            predicted: Latents (B, L, h, w); gradients flow to them.
        """
        self._codec.to(predicted.device)
        mask, stride = batch["mask"], FaceCodec.stride
        places = find_mouths(batch["lips"][:, 0])
        latents = cut(torch.lerp(batch["target"], predicted, mask), places)
        between = cut(F.interpolate(batch["lips"][:, 1:], scale_factor=2), stride * places, stride)
        counts = cut(F.interpolate(mask, scale_factor=stride), stride * places, stride)
        counts = self._weights.around * counts + (1 - self._weights.around) * between
        real = cut(to_pictures(batch["picture"].cpu().numpy()).to(latents.device), stride * places, stride)
        made = self._codec.decode(latents.contiguous(memory_format=torch.channels_last)).float()
        seen, figures = self._looks(made, real, counts)
        apart = (between * (made - real).abs()).sum() / (made.shape[1] * between.sum()).clamp(min=1.0)
        value = self._weights.looks * seen + self._weights.pixels * apart
        return value, {**figures, "between": float(apart.detach())}


def find_mouths(lips: Tensor) -> Tensor:
    """First row and column (B, 2), in latents, of a window of ``SIZE`` around the lips in maps (B, H/2, W/2)."""
    fold = FaceCodec.stride // 2
    mass = F.avg_pool2d(lips[:, None], fold)[:, 0] + 1e-6
    total, corner = mass.sum((1, 2)), []
    for axis, side in zip((1, 2), SIZE, strict=True):
        at = torch.arange(mass.shape[axis], device=mass.device, dtype=mass.dtype) + 0.5
        middle = (mass.sum(3 - axis) * at).sum(1) / total
        corner.append((middle - side / 2).round().clamp(0, mass.shape[axis] - side))
    return torch.stack(corner, dim=1).long()


def cut(maps: Tensor, places: Tensor, stride: int = 1) -> Tensor:
    """Windows (B, C, ...) of maps (B, C, H, W): of ``SIZE`` times ``stride``, at rows and columns (B, 2)."""
    height, width = (side * stride for side in SIZE)
    parts = zip(maps, places.tolist(), strict=True)
    return torch.stack([part[:, top : top + height, left : left + width] for part, (top, left) in parts])
