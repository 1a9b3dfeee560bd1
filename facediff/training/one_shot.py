"""Tune-A-Video: a hub's model of pictures, tuned on one clip so that it paints that clip's motion in other looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor, nn

from facediff.diffusion.noise_levels import alpha_at, prediction_kind
from facediff.diffusion.prediction import from_epsilon
from facediff.errors import InputError
from facediff.models.inflation import InflatedUNet, inflate
from facediff.training.loop import Batch, LoopConfig, Loss, fit

LEARNING_RATE, STEPS, FRAMES = 3e-5, 500, 24  # of the paper, for Stable Diffusion 1.4


@dataclass(frozen=True)
class TunedClip:
    """A clip to tune on.

    Attributes:
        latents: (F, L, h, w) as the denoiser wants them; several frames.
        tokens: (1, N, D) of what it shows.
        beside: (F, C, h, w) that the denoiser is shown beside them, as structure is; None for nothing.
    """

    latents: Tensor
    tokens: Tensor
    beside: Tensor | None = None


class _Painter(nn.Module):
    """The inflated denoiser, called with a batch."""

    def __init__(self, clips: InflatedUNet) -> None:
        super().__init__()
        self.clips = clips

    def forward(self, noisy: Tensor, timestep: Tensor, batch: Batch) -> Tensor:
        seen = torch.cat([noisy, batch["beside"]], dim=1) if "beside" in batch else noisy
        tokens = batch["tokens"].expand(len(noisy), -1, -1)
        return self.clips(seen, timestep, tokens, return_dict=False)[0]


def tune_painter(
    unet: UNet2DConditionModel, clip: TunedClip, scheduler: SchedulerMixin, config: LoopConfig, *, frames: int = FRAMES
) -> InflatedUNet:
    """A copy of a denoiser of pictures that has learnt the motion of one clip.

    Its self-attention looks at frame 0 and the frame before, and layers along time are added; those and the queries
    learn. A step sees so many frames in a row, at one noise level.

    Args:
        unet: Of a hub, or any other.
        clip: What to tune on.
        scheduler: The noise levels that it was trained with, and what it predicts.
        config: How long and how fast; ``LEARNING_RATE`` and ``STEPS`` are the paper's. A run found in its folder is
            gone on with.
        frames: Most of a step.

    Raises:
        InputError: The clip has fewer than two frames.
        ConfigError: The network has no attention.

    Source: Wu et al., "Tune-A-Video: One-Shot Tuning of Image Diffusion Models for Text-to-Video Generation"
    (ICCV 2023), section 4.2.
    """
    count = len(clip.latents)
    if count < 2:
        raise InputError(f"motion is learnt of two frames at least, not {count}")
    window = min(frames, count)

    def draw(rng: np.random.Generator) -> Batch:
        start = int(rng.integers(count - window + 1))
        batch = {"clean": clip.latents[start : start + window], "tokens": clip.tokens}
        return batch if clip.beside is None else {**batch, "beside": clip.beside[start : start + window]}

    torch.manual_seed(config.seed)
    painter = _Painter(inflate(unet, "tune-a-video").freeze_pictures().train())
    fit(painter, draw, _tuning_loss(scheduler), config)
    return painter.clips.eval()


def _tuning_loss(scheduler: SchedulerMixin) -> Loss:
    """The squared error of what the schedule has its denoisers predict, all frames at one noise level."""
    kind, levels = prediction_kind(scheduler), int(scheduler.config["num_train_timesteps"])

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = batch["clean"]
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        # From the second level on: at α = 0 the noise says nothing about the sample, and a kind may ask for it.
        timestep = torch.randint(levels - 1, (), generator=generator, device=clean.device)
        alpha = alpha_at(scheduler, timestep).to(clean)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        error = (model(noisy, timestep, batch).float() - from_epsilon(noise, noisy, alpha, kind)).square().mean()
        return error, {}

    return loss
