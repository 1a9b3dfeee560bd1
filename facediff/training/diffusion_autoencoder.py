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

from facediff.conditioning.diffusion_autoencoder import FaceVector, place_maps
from facediff.diffusion.prediction import to_sample
from facediff.landmarks.alignment import FACE
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.identity import IdentityEncoder, coordinate_maps
from facediff.training.latents import check_batch, encode_pair_cache, read_rows
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
        labels_weight: Weight of what the identity vector must tell of attributes, where there are labels.
        rare: Attributes that fewer faces than this share have get faces of their own in each step.
    """

    batch_size: int = 8
    background_weight: float = 0.4
    parts_weight: float = 2.0
    agreement_weight: float = 0.5
    labels_weight: float = 0.15
    rare: float = 0.12


class Autoencoder(nn.Module):
    """Denoiser, identity encoder and face vector under one roof, to be trained together.

    Args:
        unet: The denoiser.
        identity: The encoder.
        face: The vector.
        attributes: Number of attributes that a layer, which is not kept, reads off identity vectors.
    """

    def __init__(
        self, unet: DualModulationUNet, identity: IdentityEncoder, face: FaceVector, attributes: int = 0
    ) -> None:
        super().__init__()
        self.unet, self.identity, self.face = unet, identity, face
        self.labels = nn.Linear(identity.config["dim"], attributes) if attributes else None

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """What the UNet predicts for noisy latents (N B, L, h, w), N noises of each face of the batch in turn.

        Beside it the logits (B, A) of attributes, None where there are none to learn.
        """
        who = self.identity(batch["other"], coordinate_maps(batch["other_coordinates"]))
        times = len(noisy) // len(who)
        face = self.face(who, batch["points"]).repeat(times, 1)
        maps = place_maps(batch["maps"], batch["coordinates"]).repeat(times, 1, 1, 1)
        made = self.unet(noisy.contiguous(memory_format=torch.channels_last), timesteps, face, maps)
        # Components of a vector of length 1 are small; they are brought to about 1.
        return made, None if self.labels is None else self.labels(who * who.shape[1] ** 0.5)


def encode_identity_pairs(
    codec: FaceCodec, pairs: Mapping[str, NDArray], folder: Path, batch: int = 32
) -> dict[str, NDArray[np.float16]]:
    """Latents of both faces of a pair cache, made once."""
    return encode_pair_cache(codec, pairs, LATENTS, FACE.size, folder, batch)


class IdentityDraw:
    """Draws batches of cached pairs.

    Args:
        pairs: What ``build_identity_pairs`` made.
        latents: What ``encode_identity_pairs`` made of it.
        recipe: What a step looks like.
        labels: Attributes (N, A) of each pair's face, from 0 to 1, NaN where one cannot be seen.

    Raises:
        InputError: There are fewer pairs than a step takes.
    """

    def __init__(
        self,
        pairs: Mapping[str, NDArray],
        latents: Mapping[str, NDArray],
        recipe: AutoencoderRecipe,
        labels: NDArray[np.float32] | None = None,
    ) -> None:
        check_batch(recipe.batch_size, len(pairs["points"]))
        self._pairs, self._latents, self._recipe, self._labels = pairs, latents, recipe, labels
        self._rare: list[NDArray[np.intp]] = []
        if labels is not None:
            having = [np.flatnonzero(column > 0.5) for column in labels.T]
            self._rare = [rows for rows in having if 0 < len(rows) < recipe.rare * len(labels)]

    def __call__(self, rng: np.random.Generator) -> Batch:
        size = self._recipe.batch_size
        chosen = rng.choice(len(self._pairs["points"]), size, replace=False)
        for place, number in enumerate(rng.permutation(len(self._rare))[: size // 3]):
            chosen[place] = rng.choice(self._rare[number])
        chosen.sort()
        batch = read_rows(self._pairs, self._latents, LATENTS, chosen, FACE)
        batch["maps"] = torch.from_numpy(self._pairs["maps"][chosen]).float() / 255
        for name in ("coordinates", "other_coordinates"):
            batch[name] = torch.from_numpy(self._pairs[name][chosen]).float()
        if self._labels is not None:
            batch["labels"] = torch.from_numpy(self._labels[chosen])
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
        got, told = model(noisy, timesteps, batch)
        got = got.float()
        error = (got - scheduler.get_velocity(clean, noise, timesteps)).pow(2)
        person = batch["mask"]
        parts = nn.functional.avg_pool2d(batch["maps"][:, [0, 2]].amax(1, keepdim=True), 2)
        weight = recipe.background_weight + (1 - recipe.background_weight) * person + recipe.parts_weight * parts
        denoising = _mean_within(error, weight.repeat(2, 1, 1, 1)).mean()
        alpha = scheduler.alphas_cumprod.to(noisy)[timesteps].view(-1, 1, 1, 1)
        first, second = to_sample(got, noisy, alpha, scheduler.config["prediction_type"]).chunk(2)
        agreement = _mean_within((first - second).abs(), person).mean()
        figures = {"denoising": float(denoising.detach()), "agreement": float(agreement.detach())}
        total = denoising + recipe.agreement_weight * agreement
        if told is not None:
            labels = labels_loss(told.float(), batch["labels"])
            figures["labels"] = float(labels.detach())
            total = total + recipe.labels_weight * labels
        return total, figures

    return loss


def labels_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of attributes (B, A), those that are there weighing as much as those that are not; NaN are not.

    Faces that have a rare attribute are drawn more often, so within a batch the balance is what it happens to be.
    """
    seen = torch.isfinite(labels)
    target = labels.nan_to_num()
    share = (target * seen).sum(0, keepdim=True) / seen.sum(0, keepdim=True).clamp(min=1)
    balance = torch.where(target > 0.5, 0.5 / share.clamp(min=0.1), 0.5 / (1 - share).clamp(min=0.1)).clamp(max=4.0)
    error = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (error * balance * seen).sum() / seen.sum().clamp(min=1)


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
