"""Trains FADM's refiner and its conditioning on cached latents of coarse and real faces.

Both gaps of the published training are closed: it sees coarse frames and attributes as rendering makes them (see
``facediff.training.coarse_pairs``), with the real frame's thumbnail only at times; and both losses are means, with
weights that say what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.fadm import FADMConditioner
from facediff.landmarks.alignment import FACE
from facediff.models.codec import FaceCodec
from facediff.pipelines.shared import run_unet
from facediff.training.denoising import denoising_loss
from facediff.training.latents import check_batch, encode_pair_cache, read_rows
from facediff.training.loop import Batch, LoopConfig, Loss, fit, unwrap

LATENTS = ("target", "coarse")


@dataclass(frozen=True, kw_only=True)
class FADMRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Frames to a step.
        driven_share: Share of steps in which the gate sees the real frame's thumbnail beside the coarse one's.
        alignment_weight: Weight of the difference between what the gate makes of the two (FADM's alignment loss).
        outside_weight: Weight of the loss where nothing may be repainted.
        parts_weight: Weight on top in lips and eyes: small parts, and what eyes look at.
    """

    batch_size: int = 12
    driven_share: float = 0.25
    alignment_weight: float = 0.1
    outside_weight: float = 0.02
    parts_weight: float = 6.0


class Refiner(nn.Module):
    """UNet and conditioner under one roof, to be trained together."""

    def __init__(self, unet: UNet2DConditionModel, conditioner: FADMConditioner) -> None:
        super().__init__()
        self.unet, self.conditioner = unet, conditioner

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the UNet predicts for noisy latents (B, L, h, w) at ``timesteps`` (B,)."""
        driven = batch["target"] if bool(batch["shows_driven"]) else None
        known = {name: batch[name] for name in ("coarse", "mask", "maps", "points", "rotation", "attributes")}
        cond = self.conditioner(**known, driven=driven)
        return run_unet(self.unet, noisy, self.conditioner.maps(cond, timesteps), timesteps, cond.tokens)


def encode_coarse_pairs(
    codec: FaceCodec, pairs: Mapping[str, NDArray], folder: Path, batch: int = 32
) -> dict[str, NDArray[np.float16]]:
    """Latents of the targets and of the coarse frames of a pair cache, made once."""
    return encode_pair_cache(codec, pairs, LATENTS, FACE.size, folder, batch)


def residual_scale(pairs: Mapping[str, NDArray], latents: Mapping[str, NDArray], every: int = 40) -> float:
    """Deviation, inside the mask, of the targets' latents from the coarse ones, over every so many pairs."""
    weight = np.asarray(pairs["mask"][::every], np.float32)[:, None] / 255
    target, coarse = (np.asarray(latents[name][::every], np.float32) for name in LATENTS)
    return round(float(np.sqrt((weight * (target - coarse) ** 2).sum() / (weight.sum() * target.shape[1]))), 3)


def start_from_difftalk(refiner: Refiner, unet: UNet2DConditionModel, talking: DiffTalkConditioner) -> None:
    """Gives a refiner what a denoiser of mouths knows of faces in the same latent space.

    What the first layer made of masked frame and reference it makes of the coarse latents; the gate starts quietly.
    """
    learnt = unet.state_dict()
    first = learnt.pop("conv_in.weight")
    refiner.unet.load_state_dict(learnt, strict=False)
    channels = refiner.unet.config["out_channels"]
    gated = channels + refiner.conditioner.config["condition_channels"]
    with torch.no_grad():
        weight = refiner.unet.conv_in.weight
        weight.mul_(0.3)
        weight[:, :channels] = first[:, :channels]
        weight[:, gated : gated + channels] = first[:, channels : 2 * channels] + first[:, 2 * channels : 3 * channels]
        weight[:, gated + channels] = first[:, 3 * channels]
    for name in ("face", "lips", "pose"):
        getattr(refiner.conditioner, name).load_state_dict(getattr(talking, name).state_dict())


class CoarseDraw:
    """Draws batches of cached pairs.

    Args:
        pairs: What ``build_coarse_pairs`` made.
        latents: What ``encode_coarse_pairs`` made of it.
        recipe: What a step looks like.

    Raises:
        InputError: There are fewer pairs than a step takes.
    """

    def __init__(self, pairs: Mapping[str, NDArray], latents: Mapping[str, NDArray], recipe: FADMRecipe) -> None:
        check_batch(recipe.batch_size, len(pairs["points"]))
        self._pairs, self._latents, self._recipe = pairs, latents, recipe

    def __call__(self, rng: np.random.Generator) -> Batch:
        chosen = np.sort(rng.choice(len(self._pairs["points"]), self._recipe.batch_size, replace=False))
        batch = read_rows(self._pairs, self._latents, LATENTS, chosen, FACE)
        batch["maps"] = torch.from_numpy(self._pairs["maps"][chosen]).float() / 255
        batch["rotation"] = torch.from_numpy(self._pairs["rotation"][chosen])
        batch["attributes"] = torch.from_numpy(self._pairs["attributes"][chosen])
        batch["shows_driven"] = torch.tensor(rng.random() < self._recipe.driven_share)
        return batch


def fadm_loss(scheduler: DDIMScheduler, recipe: FADMRecipe, residual_scale: float) -> Loss:
    """The loss of one step: where the face is, lips and eyes above all; and appearance alike in coarse and real."""
    denoising = denoising_loss(scheduler, "coarse", residual_scale, lambda batch: weigh_faces(batch, recipe))

    def loss(model: Any, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        value, figures = denoising(model, batch, generator)
        gate = unwrap(model).conditioner.gate
        apart = (gate.look(batch["coarse"]) - gate.look(batch["target"])).abs().mean()
        return value + recipe.alignment_weight * apart, {**figures, "alignment": float(apart.detach())}

    return loss


def weigh_faces(batch: Batch, recipe: FADMRecipe) -> Tensor:
    """How much each place of a batch counts, (B, 1, h, w)."""
    weight = recipe.outside_weight + (1 - recipe.outside_weight) * batch["mask"]
    parts = batch["maps"][:, [0, 2]].amax(1, keepdim=True)
    return weight + recipe.parts_weight * nn.functional.avg_pool2d(parts, 2)


def train_fadm(
    refiner: Refiner, draw: CoarseDraw, scheduler: DDIMScheduler, config: LoopConfig, recipe: FADMRecipe
) -> Refiner:
    """Trains UNet and conditioner together; resumes a run found in ``config.output``."""
    refiner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(refiner, draw, fadm_loss(scheduler, recipe, refiner.conditioner.config["residual_scale"]), config)
    return refiner
