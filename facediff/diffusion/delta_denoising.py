"""What a denoiser makes of a sample under two conditions, seen through the same noise: their difference is an edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from facediff.diffusion.prediction import to_sample
from facediff.errors import ConfigError


def predict_clean(
    predict: Callable[[Tensor, Tensor], Tensor],
    latents: Tensor,
    scheduler: SchedulerMixin,
    levels: Sequence[float],
    noise: Tensor,
) -> Tensor:
    """The clean sample that a denoiser expects behind noisy latents, as the mean over some noise levels.

    An edit adds the difference between what is expected under the wanted condition and under the sample's own. Both
    see the same noise, so that what the denoiser cannot know, and where it errs, cancels out, and what is not edited
    keeps every detail. Noise that is the same for all frames of a video gives a change that holds still.

    Source: Hertz et al., "Delta Denoising Score" (ICCV 2023), equation 5, whose gradient this is in terms of clean
    samples; one step of it, averaged over levels.

    Args:
        predict: ``predict(x, t)`` gives what the scheduler's ``prediction_type`` names.
        latents: Clean latents (B, L, h, w).
        scheduler: Whose noise levels.
        levels: Shares of its levels, from 0 (clean) to 1 (noise).
        noise: (K, L, h, w) of unit variance, one for each of the K levels.

    Raises:
        ConfigError: No level, one out of range, or as many noises as levels are missing.
    """
    if not levels or not all(0 <= level <= 1 for level in levels):
        raise ConfigError(f"noise levels go from 0 to 1, and there must be one: {list(levels)}")
    if len(levels) != len(noise):
        raise ConfigError(f"{len(levels)} levels want as many noises, not {len(noise)}")
    config = scheduler.config  # type: ignore[attr-defined]
    last = config["num_train_timesteps"] - 1
    total = torch.zeros_like(latents)
    for level, one in zip(levels, noise.to(latents), strict=True):
        timestep = torch.tensor(round(level * last), device=latents.device)
        alpha = scheduler.alphas_cumprod.to(latents)[timestep]  # type: ignore[attr-defined]
        noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * one
        total += to_sample(predict(noisy, timestep), noisy, alpha, config["prediction_type"])
    return total / len(levels)
