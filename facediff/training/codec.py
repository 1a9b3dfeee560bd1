"""Trains the embedded codec: for fidelity, and on top of that for looks where a judge of them is at hand.

Without a pretrained perceptual network, multi-scale gradients stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.landmarks.mesh import LIPS_OUTER
from facediff.models.codec import FaceCodec
from facediff.motion.coefficients import LID_FOLDS
from facediff.training.faces import FaceCrops
from facediff.training.looks import Looks
from facediff.training.loop import Batch, LoopConfig, Loss, fit, unwrap

SHARP_UNIT_PX = 144.0  # sources with fewer pixels per eye distance teach blur and are drawn less


@dataclass(frozen=True, kw_only=True)
class CodecRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Crops to a step.
        crop_px: Their side.
        zoom: Range of what they are scaled by.
        eyes_share: Share of them around an eye. Half are around the mouth, the rest anywhere.
        noise: Most noise, in deviations, on latents before they are decoded: denoisers err too.
    """

    batch_size: int = 16
    crop_px: int = 128
    zoom: tuple[float, float] = (0.55, 1.1)
    eyes_share: float = 0.0
    noise: float = 0.03


# For looks small crops suffice, and most of them of what eyes look at.
LOOKED_AT = CodecRecipe(batch_size=6, crop_px=96, eyes_share=0.3, noise=0.1)


class CropDraw:
    """Draws random squares of face crops, half of them around the mouth, flipped, zoomed and recoloured."""

    def __init__(self, crops: FaceCrops, recipe: CodecRecipe) -> None:
        weight = crops.weights() * np.clip(crops.source_unit_px / SHARP_UNIT_PX, 0.05, 1.0) ** 1.5
        self._cumulative = np.cumsum(weight / weight.sum())
        self._crops, self._recipe = crops, recipe

    def __call__(self, rng: np.random.Generator) -> Batch:
        rows = np.searchsorted(self._cumulative, rng.random(self._recipe.batch_size)).clip(
            max=len(self._cumulative) - 1
        )
        images = np.stack([self._square(int(row), rng) for row in rows])
        return {"images": torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0}

    def _square(self, row: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        frame, side = self._crops.frames[row], self._recipe.crop_px
        zoom = rng.uniform(*self._recipe.zoom)
        span = side / zoom / 2
        limit = frame.shape[0]
        chance = rng.random()
        if chance < 0.5 + self._recipe.eyes_share:
            part = LIPS_OUTER if chance < 0.5 else LID_FOLDS[rng.integers(2)]
            centre = self._crops.points[row, part, :2].mean(0) + rng.normal(0, 0.25 * span, 2)
        else:
            centre = rng.uniform(span, max(span + 1, limit - span), 2)
        centre = np.clip(centre, min(span, limit / 2), max(limit - span, limit / 2))
        zoom_x = zoom * (-1 if rng.random() < 0.5 else 1)
        matrix = np.array([[zoom_x, 0, side / 2 - zoom_x * centre[0]], [0, zoom, side / 2 - zoom * centre[1]]])
        flags = cv2.INTER_AREA if zoom < 0.8 else cv2.INTER_LINEAR
        square = cv2.warpAffine(frame, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)
        if rng.random() < 0.3:
            gain, lift = (
                rng.uniform(0.7, 1.25, 3) if rng.random() < 0.5 else rng.uniform(0.7, 1.25),
                rng.uniform(-20, 20),
            )
            square = np.clip(square * gain + lift, 0, 255).astype(np.uint8)
        return square


def fidelity_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1 on pixels, on image gradients at three scales and on pooled pixels, per picture averaged."""
    total = F.l1_loss(output, target)
    for _ in range(3):
        for axis in (2, 3):
            total = total + 0.7 * F.l1_loss(output.diff(dim=axis), target.diff(dim=axis))
        output, target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
    return total + F.l1_loss(output, target)


def codec_loss(recipe: CodecRecipe = CodecRecipe(), looks: Looks | None = None, *, is_frozen: bool = False) -> Loss:
    """The loss of one step: fidelity of a round trip through noisy latents, with latents held near unit size.

    Args:
        recipe: What a step looks like.
        looks: Judges pictures on top of fidelity; None for fidelity alone.
        is_frozen: The encoder stays as it is, so what works in its latents works on.
    """

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        images = batch["images"].contiguous(memory_format=torch.channels_last)
        codec: FaceCodec = unwrap(model)
        with torch.set_grad_enabled(not is_frozen and torch.is_grad_enabled()):
            latents = codec.encode(images)
        noise = torch.randn(latents.shape, generator=generator, device=latents.device, dtype=latents.dtype)
        if looks is not None:  # of all degrees, none too
            noise = noise * torch.rand(len(noise), 1, 1, 1, generator=generator, device=noise.device)
        output = codec.decode(latents + recipe.noise * noise).float()
        value = fidelity_loss(output, images)
        mean_square = latents.float().pow(2).mean()
        psnr = 10 * torch.log10(4.0 / F.mse_loss(output.detach(), images))
        figures = {"psnr": float(psnr), "latent_ms": float(mean_square.detach())}
        if looks is not None:
            seen, more = looks(output, images)
            value, figures = value + seen, {**figures, "fidelity": float(value.detach()), **more}
        return value + 0.01 * (mean_square - 1.0).abs(), figures

    return loss


def train_codec(
    crops: FaceCrops,
    config: LoopConfig,
    recipe: CodecRecipe = CodecRecipe(),
    sizes: Mapping | None = None,
    *,
    looks: Looks | None = None,
    start: FaceCodec | None = None,
) -> FaceCodec:
    """Trains a codec and gives its latents unit statistics. Resumes a run found in ``config.output``.

    Args:
        crops: What to train on.
        config: How long, how fast.
        recipe: What a step looks like.
        sizes: Arguments of ``FaceCodec``.
        looks: See ``codec_loss``.
        start: A codec whose decoder is trained on, and whose encoder stays; None starts from nothing.
    """
    codec = FaceCodec(**(sizes or {})) if start is None else start.float()
    codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    codec.encoder.requires_grad_(start is None)
    companions = [] if looks is None else looks.companions
    fit(
        codec,
        CropDraw(crops, recipe),
        codec_loss(recipe, looks, is_frozen=start is not None),
        config,
        companions=companions,
    )
    return standardise_latents(codec, crops) if start is None else codec


@torch.no_grad()
def standardise_latents(codec: FaceCodec, crops: FaceCrops, count: int = 512) -> FaceCodec:
    """The same codec, its latents shifted and scaled to mean 0 and deviation 1 over ``count`` random squares."""
    draw = CropDraw(crops, CodecRecipe(batch_size=count, zoom=(0.7, 1.0)))
    images = draw(np.random.default_rng(0))["images"]
    raw = torch.cat([codec.encoder(part) for part in images.split(32)]).float()
    mean, std = raw.mean((0, 2, 3)).tolist(), raw.std((0, 2, 3)).tolist()
    config = {**codec.config, "latents_mean": mean, "latents_std": std}
    fresh = FaceCodec(**{k: v for k, v in config.items() if not k.startswith("_")})
    fresh.load_state_dict(codec.state_dict())
    return fresh
