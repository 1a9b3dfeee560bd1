"""What denoisers are trained to do: the squared error of the scheduler's own target, weighted over the picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from facediff.training.loop import Batch, Loss

Judge = Callable[[Batch, Tensor], tuple[Tensor, dict[str, float]]]


def denoising_loss(
    scheduler: DDIMScheduler,
    known: str,
    residual_scale: float,
    weigh: Callable[[Batch], Tensor],
    frames: int = 1,
    judge: Judge | None = None,
) -> Loss:
    """The loss of one step.

    Args:
        scheduler: Noise levels; it predicts velocities.
        known: Name of the latents in a batch whose difference from ``target`` is denoised.
        residual_scale: Deviation of that difference.
        weigh: Weight (B, 1, h, w) of every place in a batch.
        frames: So many examples in a row are one clip: they share their noise level.
        judge: Adds a loss, and figures, of a batch and the latents (B, L, h, w) that are predicted in it.

    The model is called with noisy latents, timesteps and the batch. The mean over places is taken in each example,
    then over examples, so that no weight depends on the size of a mask.
    """

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = (batch["target"] - batch[known]) / residual_scale
        device, levels = clean.device, scheduler.config["num_train_timesteps"]
        noise = torch.randn(clean.shape, generator=generator, device=device)
        # Few-step sampling lives at the noisy end, so half of the steps are drawn there.
        u = torch.rand(len(clean) // frames, generator=generator, device=device)
        u = torch.where(torch.arange(len(u), device=device) % 2 == 0, u, 1 - (1 - u) * 0.4)
        timesteps = (u * levels).long().clamp(max=levels - 1).repeat_interleave(frames)
        noisy = scheduler.add_noise(clean, noise, timesteps)
        wanted = scheduler.get_velocity(clean, noise, timesteps)
        got = model(noisy, timesteps, batch).float()
        weight = weigh(batch)
        error = (weight * (got - wanted).pow(2)).sum((1, 2, 3)) / (weight.sum((1, 2, 3)) * clean.shape[1])
        figures = {"noisy_end": float(error.detach()[timesteps > 0.9 * levels].mean())}
        if judge is None:
            return error.mean(), figures
        kept = scheduler.alphas_cumprod.to(device)[timesteps].view(-1, 1, 1, 1)
        found = kept.sqrt() * noisy - (1 - kept).sqrt() * got
        judged, more = judge(batch, batch[known] + residual_scale * found)
        return error.mean() + judged, {**figures, **more, "error": float(error.detach().mean())}

    return loss
