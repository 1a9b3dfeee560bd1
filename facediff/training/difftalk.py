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
from facediff.pipelines.shared import run_unet
from facediff.training.denoising import denoising_loss
from facediff.training.latents import check_batch, encode_cache, read_rows, to_pictures
from facediff.training.loop import Batch, LoopConfig, Loss, fit
from facediff.training.mouth_looks import MouthLooks

LATENTS = ("target", "masked", "reference")
OPENING_SHARE = 0.4  # of the pairs that looks are judged on


@dataclass(frozen=True, kw_only=True)
class DiffTalkRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Frames to a step.
        audio_dropout: Share of frames whose sound is hidden, for guidance.
        lips_dropout: Share of frames whose lips must be guessed from the sound.
        outside_weight: Weight of the loss where nothing is to be painted.
        lips_weight: Weight on top inside the outer lip line: a small part of the mask, and what eyes look at.
        shows_pictures: Whether batches hold the pictures too, for a judge of looks.
    """

    batch_size: int = 24
    audio_dropout: float = 0.1
    lips_dropout: float = 0.1
    outside_weight: float = 0.1
    lips_weight: float = 1.0
    shows_pictures: bool = False


LOOKED_AT = DiffTalkRecipe(batch_size=12, shows_pictures=True)


class Denoiser(nn.Module):
    """UNet and conditioning encoders under one roof, to be trained together."""

    def __init__(self, unet: UNet2DConditionModel, conditioner: DiffTalkConditioner) -> None:
        super().__init__()
        self.unet, self.conditioner = unet, conditioner

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the UNet predicts for noisy latents (B, L, h, w) at ``timesteps`` (B,)."""
        known = {k: batch[k] for k in ("masked", "reference", "mask", "lips", "window", "points", "rotation")}
        cond = self.conditioner(**known, audio_known=batch["audio_known"], lips_known=batch["lips_known"])
        return run_unet(self.unet, noisy, cond.concat, timesteps, cond.tokens)


def encode_pairs(codec: FaceCodec, pairs: Mapping[str, NDArray], folder: Path, batch: int = 32) -> dict[str, NDArray]:
    """Latents of the targets, the masked targets and the references of a pair cache, float16, made once."""

    def pictures(rows: slice) -> tuple[Tensor, ...]:
        target, reference = to_pictures(pairs["target"][rows]), to_pictures(pairs["reference"][rows])
        hidden = torch.from_numpy(pairs["mask"][rows] > 0)[:, None]
        return target, target.masked_fill(hidden, 0.0), reference

    return encode_cache(codec, LATENTS, pictures, len(pairs["row"]), MOUTH.size, folder, batch)


class LatentDraw:
    """Draws batches of cached pairs.

    Args:
        pairs: What ``build_pair_cache`` made.
        latents: What ``encode_pairs`` made of it.
        rotation: Head rotation (N, 3, 3) of every crop.
        windows: Speech features (N, columns, dim) of every crop.
        heard: (N,) False where a crop has no sound of its own.
        recipe: What a step looks like.

    Raises:
        InputError: There are fewer pairs than a step takes.
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
        check_batch(recipe.batch_size, len(pairs["row"]))
        self._pairs, self._latents, self._recipe = pairs, latents, recipe
        self._rotation, self._windows, self._heard = rotation, windows, heard

    def __call__(self, rng: np.random.Generator) -> Batch:
        size = self._recipe.batch_size
        chosen = np.sort(rng.choice(len(self._pairs["row"]), size, replace=False))
        rows = self._pairs["row"][chosen]
        batch = read_rows(self._pairs, self._latents, LATENTS, chosen, MOUTH)
        batch["mask"] = nn.functional.avg_pool2d(batch["mask"], FaceCodec.stride)
        batch["lips"] = torch.from_numpy(self._pairs["lips"][chosen]).float() / 255
        if self._recipe.shows_pictures:
            batch["picture"] = torch.from_numpy(self._pairs["target"][chosen])
        batch["rotation"] = torch.from_numpy(self._rotation[rows])
        batch["window"] = torch.from_numpy(self._windows[rows]).float()
        heard = self._heard[rows]
        audio_known = heard & (rng.random(size) >= self._recipe.audio_dropout)
        lips_known = (rng.random(size) >= self._recipe.lips_dropout) | ~audio_known
        batch["audio_known"], batch["lips_known"] = torch.from_numpy(audio_known), torch.from_numpy(lips_known)
        return batch


def difftalk_loss(
    scheduler: DDIMScheduler, recipe: DiffTalkRecipe, residual_scale: float, looks: MouthLooks | None = None
) -> Loss:
    """The loss of one step: inside the mask above all, and between the lips above that; and looks where judged."""
    return denoising_loss(
        scheduler, "reference", residual_scale, lambda batch: weigh_places(batch, recipe), judge=looks
    )


def weigh_places(batch: Batch, recipe: DiffTalkRecipe) -> Tensor:
    """How much each place of a batch counts, (B, 1, h, w)."""
    weight = recipe.outside_weight + (1 - recipe.outside_weight) * batch["mask"]
    return weight + recipe.lips_weight * nn.functional.avg_pool2d(batch["lips"][:, :1], LIP_FOLD)


def train_difftalk(
    denoiser: Denoiser,
    draw: LatentDraw,
    scheduler: DDIMScheduler,
    config: LoopConfig,
    recipe: DiffTalkRecipe,
    looks: MouthLooks | None = None,
) -> Denoiser:
    """Trains UNet and encoders together; resumes a run found in ``config.output``."""
    denoiser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = difftalk_loss(scheduler, recipe, denoiser.conditioner.config["residual_scale"], looks)
    fit(denoiser, draw, loss, config, companions=() if looks is None else looks.companions)
    return denoiser
