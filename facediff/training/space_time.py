"""Trains denoisers of clips, temporal layers or a domain's small model, on runs of mouth windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DDIMScheduler, UNetMotionModel
from torch import Tensor, nn

from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.models.inflation import InflatedUNet
from facediff.training.denoising import denoising_loss
from facediff.training.difftalk import DiffTalkRecipe, weigh_places
from facediff.training.loop import Batch, LoopConfig, Loss, fit
from facediff.training.runs import FRAMES, ClipRuns


@dataclass(frozen=True, kw_only=True)
class RunRecipe(DiffTalkRecipe):
    """What a step looks like; ``batch_size`` counts runs, and what is hidden is hidden throughout a run.

    Attributes:
        caption_dropout: Share of runs about which nothing is said.
    """

    batch_size: int = 3
    caption_dropout: float = 0.2


class ClipModel(nn.Module):
    """A denoiser of clips with the encoders in front of it; only what wants gradients is trained."""

    def __init__(
        self, unet: UNetMotionModel | InflatedUNet, conditioner: DiffTalkConditioner, captions: CaptionEncoder
    ) -> None:
        super().__init__()
        self.unet, self.conditioner, self.captions = unet, conditioner.requires_grad_(False), captions

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the network predicts for noisy latents (B·F, L, h, w) at ``timesteps`` (B·F,), clip by clip."""
        known = {k: batch[k] for k in ("masked", "reference", "mask", "lips", "window", "points", "rotation")}
        cond = self.conditioner(**known, audio_known=batch["audio_known"], lips_known=batch["lips_known"])
        clips = len(batch["bag"])
        frames = len(noisy) // clips
        tokens = cond.tokens + self.captions(batch["bag"]).repeat_interleave(frames, dim=0)
        seen = torch.cat([noisy, cond.concat], dim=1).unflatten(0, (clips, frames)).transpose(1, 2)
        got = self.unet(seen, timesteps[::frames], tokens, return_dict=False)[0]
        return got.transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class RunSource:
    """The runs of a clip, with what is known about it.

    Attributes:
        runs: What ``build_runs`` made.
        weight: How often it is drawn.
        is_heard: Whether its sound is its own.
        caption: What is said about it.
    """

    runs: ClipRuns
    weight: float = 1.0
    is_heard: bool = True
    caption: str = ""


class RunDraw:
    """Draws batches of runs.

    Args:
        sources: Where they come from.
        captions: Knows the words.
        recipe: What a step looks like.
    """

    def __init__(self, sources: Sequence[RunSource], captions: CaptionEncoder, recipe: RunRecipe) -> None:
        self._sources, self._recipe = sources, recipe
        self._bags = captions.bag(source.caption for source in sources)
        weights = np.array([source.weight for source in sources])
        self._cumulative = np.cumsum(weights / weights.sum())

    def __call__(self, rng: np.random.Generator) -> Batch:
        parts, recipe = [], self._recipe
        for _ in range(recipe.batch_size):
            index = min(int(np.searchsorted(self._cumulative, rng.random())), len(self._sources) - 1)
            source = self._sources[index]
            part = source.runs.batch([int(rng.integers(len(source.runs)))])
            audio_known = source.is_heard and rng.random() >= recipe.audio_dropout
            lips_known = rng.random() >= recipe.lips_dropout or not audio_known
            part["audio_known"], part["lips_known"] = (torch.full((FRAMES,), k) for k in (audio_known, lips_known))
            said = rng.random() >= recipe.caption_dropout
            part["bag"] = self._bags[index : index + 1] * said
            parts.append(part)
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def run_loss(scheduler: DDIMScheduler, recipe: DiffTalkRecipe, residual_scale: float) -> Loss:
    """DiffTalk's loss, with one noise level for all frames of a run."""
    return denoising_loss(scheduler, "reference", residual_scale, lambda batch: weigh_places(batch, recipe), FRAMES)


def train_clips(
    model: ClipModel, draw: RunDraw, scheduler: DDIMScheduler, config: LoopConfig, recipe: RunRecipe
) -> ClipModel:
    """Trains what of a model wants gradients; resumes a run found in ``config.output``."""
    fit(model, draw, run_loss(scheduler, recipe, model.conditioner.config["residual_scale"]), config)
    return model
