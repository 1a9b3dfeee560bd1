"""Trains the video autoencoder's three networks together on cached latents: who, where, and the denoiser.

As published, each step sees a face under two noises at one level, and what the denoiser makes of the two must agree
where the person is: so the person goes into the vector, and what is left, the background, into the noise. Unlike the
published training, the identity vector comes from another moment of the video, since the encoder learns here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.conditioning.diffusion_autoencoder import FaceVector, coordinate_maps, place_maps
from facediff.diffusion.prediction import to_sample
from facediff.landmarks.alignment import FACE
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.identity import IdentityEncoder
from facediff.training.latents import as_pictures, encode_cache
from facediff.training.loop import Batch, LoopConfig, Loss, fit

LATENTS = ("target", "other")


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Faces to a step, each under two noises.
        background_weight: Weight of the loss where the person is not.
        parts_weight: Weight on top in lips and eyes.
        agreement_weight: Weight of the mean difference between the two clean pictures implied, where the person is.
    """

    batch_size: int = 8
    background_weight: float = 0.4
    parts_weight: float = 2.0
    agreement_weight: float = 0.5


class Autoencoder(nn.Module):
    """Denoiser, identity encoder and face vector under one roof, to be trained together."""

    def __init__(self, unet: DualModulationUNet, identity: IdentityEncoder, face: FaceVector) -> None:
        super().__init__()
        self.unet, self.identity, self.face = unet, identity, face

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the UNet predicts for noisy latents (N B, L, h, w), N noises of each face of the batch in turn."""
        who = self.identity(batch["other"], coordinate_maps(batch["other_coordinates"]))
        times = len(noisy) // len(who)
        face = self.face(who, batch["points"]).repeat(times, 1)
        maps = place_maps(batch["maps"], batch["coordinates"]).repeat(times, 1, 1, 1)
        return self.unet(noisy.contiguous(memory_format=torch.channels_last), timesteps, face, maps)


def encode_identity_pairs(
    codec: FaceCodec, pairs: Mapping[str, NDArray], folder: Path, batch: int = 32
) -> dict[str, NDArray[np.float16]]:
    """Latents of both faces of a pair cache, made once."""

    def pictures(rows: slice) -> tuple[Tensor, ...]:
        return as_pictures(pairs["target"][rows]), as_pictures(pairs["other"][rows])

    return encode_cache(codec, LATENTS, pictures, len(pairs["points"]), FACE.size, folder, batch)


class IdentityDraw:
    """Draws batches of cached pairs.

    Args:
        pairs: What ``build_identity_pairs`` made.
        latents: What ``encode_identity_pairs`` made of it.
        recipe: What a step looks like.
    """

    def __init__(self, pairs: Mapping[str, NDArray], latents: Mapping[str, NDArray], recipe: AutoencoderRecipe) -> None:
        self._pairs, self._latents, self._recipe = pairs, latents, recipe

    def __call__(self, rng: np.random.Generator) -> Batch:
        chosen = np.sort(rng.choice(len(self._pairs["points"]), self._recipe.batch_size, replace=False))
        batch = {name: torch.from_numpy(self._latents[name][chosen]).float() for name in LATENTS}
        batch["mask"] = torch.from_numpy(self._pairs["mask"][chosen]).float()[:, None] / 255
        batch["maps"] = torch.from_numpy(self._pairs["maps"][chosen]).float() / 255
        for name in ("coordinates", "other_coordinates"):
            batch[name] = torch.from_numpy(self._pairs[name][chosen]).float()
        batch["points"] = torch.from_numpy(FACE.in_units(self._pairs["points"][chosen]))
        return batch


def autoencoder_loss(scheduler: DDIMScheduler, recipe: AutoencoderRecipe) -> Loss:
    """The loss of one step: two denoising errors, and how far the two clean pictures implied disagree.

    Source: "Diffusion Video Autoencoders", section 3.2, for the agreement. There the noise is predicted, and the
    difference of the clean pictures grows without bound at high noise; here the velocity is, and it does not.
    """

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = batch["target"].repeat(2, 1, 1, 1)
        count, levels = len(batch["target"]), scheduler.config["num_train_timesteps"]
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        # Who it is is decided where little else is known, so half of the steps are drawn from the noisier 60%.
        u = torch.rand(count, generator=generator, device=clean.device)
        u = torch.where(torch.arange(count, device=clean.device) % 2 == 0, u, 1 - 0.6 * u)
        timesteps = (u * levels).long().clamp(max=levels - 1).repeat(2)
        noisy = scheduler.add_noise(clean, noise, timesteps)
        got = model(noisy, timesteps, batch).float()
        error = (got - scheduler.get_velocity(clean, noise, timesteps)).pow(2)
        person = batch["mask"]
        parts = nn.functional.avg_pool2d(batch["maps"][:, [0, 2]].amax(1, keepdim=True), 2)
        weight = recipe.background_weight + (1 - recipe.background_weight) * person + recipe.parts_weight * parts
        denoising = _mean_within(error, weight.repeat(2, 1, 1, 1)).mean()
        alpha = scheduler.alphas_cumprod.to(noisy)[timesteps].view(-1, 1, 1, 1)
        first, second = to_sample(got, noisy, alpha, scheduler.config["prediction_type"]).chunk(2)
        agreement = _mean_within((first - second).abs(), person).mean()
        figures = {"denoising": float(denoising.detach()), "agreement": float(agreement.detach())}
        return denoising + recipe.agreement_weight * agreement, figures

    return loss


def _mean_within(values: Tensor, weight: Tensor) -> Tensor:
    """Means (B,) of values (B, C, h, w) under weights (B, 1, h, w)."""
    return (values * weight).sum((1, 2, 3)) / (weight.sum((1, 2, 3)) * values.shape[1]).clamp(min=1e-6)


def train_autoencoder(
    autoencoder: Autoencoder,
    draw: IdentityDraw,
    scheduler: DDIMScheduler,
    config: LoopConfig,
    recipe: AutoencoderRecipe,
) -> Autoencoder:
    """Trains the three networks together; resumes a run found in ``config.output``."""
    autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(autoencoder, draw, autoencoder_loss(scheduler, recipe), config)
    return autoencoder
