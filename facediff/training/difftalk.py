"""Trains DiffTalk's denoiser and its conditioning encoders on cached latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.conditioning.difftalk import LIP_FOLD, DiffTalkConditioner
from facediff.landmarks.alignment import MOUTH
from facediff.models.codec import FaceCodec
from facediff.training.loop import Batch, LoopConfig, fit

LATENTS = ("target", "masked", "reference")


@dataclass(frozen=True, kw_only=True)
class DiffTalkRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Frames to a step.
        audio_dropout: Share of frames whose sound is hidden, for guidance.
        lips_dropout: Share of frames whose lips must be guessed from the sound.
        outside_weight: Weight of the loss where nothing is to be painted.
        lips_weight: Weight on top inside the outer lip line: a small part of the mask, and what eyes look at.
    """

    batch_size: int = 24
    audio_dropout: float = 0.1
    lips_dropout: float = 0.1
    outside_weight: float = 0.1
    lips_weight: float = 1.0


class Denoiser(nn.Module):
    """UNet and conditioning encoders under one roof, to be trained together."""

    def __init__(self, unet: UNet2DConditionModel, conditioner: DiffTalkConditioner) -> None:
        super().__init__()
        self.unet, self.conditioner = unet, conditioner

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the UNet predicts for noisy latents (B, L, h, w) at ``timesteps`` (B,)."""
        known = {k: batch[k] for k in ("masked", "reference", "mask", "lips", "window", "points", "rotation")}
        cond = self.conditioner(**known, audio_known=batch["audio_known"], lips_known=batch["lips_known"])
        x = torch.cat([noisy, cond.concat], dim=1).contiguous(memory_format=torch.channels_last)
        return self.unet(x, timesteps, cond.tokens, return_dict=False)[0]


@torch.no_grad()
def encode_pairs(codec: FaceCodec, pairs: Mapping[str, NDArray], folder: Path, batch: int = 32) -> dict[str, NDArray]:
    """Latents of the targets, the masked targets and the references of a pair cache, float16, made once."""
    count = len(pairs["row"])
    width, height = (side // codec.stride for side in MOUTH.size)
    shape = (count, codec.config["latent_channels"], height, width)
    paths = {name: folder / f"latents-{name}.npy" for name in LATENTS}
    if not all(path.is_file() for path in paths.values()):
        parts = {
            k: np.lib.format.open_memmap(p.with_suffix(".part"), "w+", np.float16, shape) for k, p in paths.items()
        }
        codec = codec.eval().to(memory_format=torch.channels_last)
        for start in range(0, count, batch):
            rows = slice(start, min(start + batch, count))
            target, reference = _unit(pairs["target"][rows]), _unit(pairs["reference"][rows])
            hidden = torch.from_numpy(pairs["mask"][rows] > 0)[:, None]
            images = torch.cat([target, target.masked_fill(hidden, 0.0), reference])
            latents = codec.encode(images.contiguous(memory_format=torch.channels_last)).half().numpy()
            for name, part in zip(LATENTS, np.split(latents, 3), strict=True):
                parts[name][rows] = part
        for name, path in paths.items():
            parts[name].flush()
            path.with_suffix(".part").rename(path)
    return {name: np.load(path, mmap_mode="r") for name, path in paths.items()}


def _unit(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


class LatentDraw:
    """Draws batches of cached pairs.

    Args:
        pairs: What ``build_pair_cache`` made.
        latents: What ``encode_pairs`` made of it.
        rotation: Head rotation (N, 3, 3) of every crop.
        windows: Speech features (N, columns, dim) of every crop.
        heard: (N,) False where a crop has no sound of its own.
        recipe: What a step looks like.
    """

    def __init__(
        self,
        pairs: Mapping[str, NDArray],
        latents: Mapping[str, NDArray],
        rotation: NDArray[np.float32],
        windows: NDArray[np.float16],
        heard: NDArray[np.bool_],
        recipe: DiffTalkRecipe,
    ) -> None:
        self._pairs, self._latents, self._recipe = pairs, latents, recipe
        self._rotation, self._windows, self._heard = rotation, windows, heard

    def __call__(self, rng: np.random.Generator) -> Batch:
        size = self._recipe.batch_size
        chosen = np.sort(rng.choice(len(self._pairs["row"]), size, replace=False))
        rows = self._pairs["row"][chosen]
        batch = {name: torch.from_numpy(self._latents[name][chosen]).float() for name in LATENTS}
        mask = torch.from_numpy(self._pairs["mask"][chosen]).float()[:, None] / 255
        batch["mask"] = nn.functional.avg_pool2d(mask, FaceCodec.stride)
        batch["lips"] = torch.from_numpy(self._pairs["lips"][chosen]).float() / 255
        batch["points"] = in_eye_distances(torch.from_numpy(self._pairs["points"][chosen]))
        batch["rotation"] = torch.from_numpy(self._rotation[rows])
        batch["window"] = torch.from_numpy(self._windows[rows]).float()
        heard = self._heard[rows]
        audio_known = heard & (rng.random(size) >= self._recipe.audio_dropout)
        lips_known = (rng.random(size) >= self._recipe.lips_dropout) | ~audio_known
        batch["audio_known"], batch["lips_known"] = torch.from_numpy(audio_known), torch.from_numpy(lips_known)
        return batch


def in_eye_distances(points: Tensor) -> Tensor:
    """Landmarks (..., 478, 3) of the mouth window, from pixels to eye distances from its anchor."""
    anchor = torch.tensor([*MOUTH.anchor_px, 0.0])
    return (points - anchor) / MOUTH.unit_px


def denoising_loss(scheduler: DDIMScheduler, recipe: DiffTalkRecipe, residual_scale: float):
    """The loss of one step: squared error of the scheduler's own target, inside the mask above all."""

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = (batch["target"] - batch["reference"]) / residual_scale
        device = clean.device
        noise = torch.randn(clean.shape, generator=generator, device=device)
        # Few-step sampling lives at the noisy end, so half of the steps are drawn there.
        u = torch.rand(len(clean), generator=generator, device=device)
        u = torch.where(torch.arange(len(clean), device=device) % 2 == 0, u, 1 - (1 - u) * 0.4)
        timesteps = (
            (u * scheduler.config.num_train_timesteps).long().clamp(max=scheduler.config.num_train_timesteps - 1)
        )
        noisy = scheduler.add_noise(clean, noise, timesteps)
        wanted = scheduler.get_velocity(clean, noise, timesteps)
        got = model(noisy, timesteps, batch).float()
        weight = recipe.outside_weight + (1 - recipe.outside_weight) * batch["mask"]
        weight = weight + recipe.lips_weight * nn.functional.avg_pool2d(batch["lips"][:, :1], LIP_FOLD)
        error = (weight * (got - wanted).pow(2)).sum((1, 2, 3)) / (weight.sum((1, 2, 3)) * clean.shape[1])
        return error.mean(), {"noisy_end": float(error.detach()[timesteps > 900].mean())}

    return loss


def train_difftalk(
    denoiser: Denoiser, draw: LatentDraw, scheduler: DDIMScheduler, config: LoopConfig, recipe: DiffTalkRecipe
) -> Denoiser:
    """Trains UNet and encoders together; resumes a run found in ``config.output``."""
    denoiser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    scale = denoiser.conditioner.config["residual_scale"]
    fit(denoiser, draw, denoising_loss(scheduler, recipe, scale), config)
    return denoiser
