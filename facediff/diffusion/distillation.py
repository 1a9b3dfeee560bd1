"""Progressive distillation: what one step of a student is to predict to land where two steps of its teacher do.

Source: Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models" (ICLR 2022), algorithm 2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from facediff.diffusion.noise_levels import prediction_kind
from facediff.diffusion.prediction import to_sample
from facediff.errors import ConfigError


def student_timesteps(scheduler: DDIMScheduler, steps: int) -> Tensor:
    """The timesteps (steps,) at which a student of so many steps is asked, falling; those of ``scheduler`` itself.

    Raises:
        ConfigError: They do not divide evenly between the noise levels, twice over, or the schedule's are spaced in
            another way.
    """
    levels = int(scheduler.config["num_train_timesteps"])
    if scheduler.config["timestep_spacing"] != "trailing":
        raise ConfigError(
            f"a student's steps end with pure noise; the schedule's spacing is {scheduler.config['timestep_spacing']}, "
            "so make it trailing"
        )
    if steps < 1 or levels % (2 * steps):
        raise ConfigError(
            f"{levels} noise levels do not divide into twice {steps} steps; take one of "
            f"{', '.join(str(n) for n in range(1, 33) if levels % (2 * n) == 0)}"
        )
    stride = levels // steps
    return torch.arange(levels - 1, -1, -stride)


@torch.no_grad()
def halve_steps(
    predict: Callable[[Tensor, Tensor], Tensor], noisy: Tensor, timesteps: Tensor, scheduler: DDIMScheduler, steps: int
) -> Tensor:
    """The clean sample (B, ...) that a student must see in a noisy one, for one DDIM step to be two of its teacher.

    x̃ = (z″ - (σ″/σ) z) / (α″ - (σ″/σ) α), where z″ is what the teacher makes of z in two steps.

    Args:
        predict: The teacher: ``predict(x, timesteps)``, of the scheduler's kind of prediction.
        noisy: z (B, ...).
        timesteps: (B,) of ``student_timesteps``.
        scheduler: Noise levels of both.
        steps: Of the student.

    Raises:
        ConfigError: See ``student_timesteps``.
    """
    stride = int(scheduler.config["num_train_timesteps"]) // len(student_timesteps(scheduler, steps))
    kind, x, now = prediction_kind(scheduler), noisy, timesteps
    for _ in range(2):
        before = now - stride // 2
        clean = to_sample(predict(x, now), x, alpha_of(scheduler, now, x), kind)
        x = _move(x, clean, alpha_of(scheduler, now, x), alpha_of(scheduler, before, x))
        now = before
    start, end = alpha_of(scheduler, timesteps, x), alpha_of(scheduler, now, x)
    ratio = ((1 - end) / (1 - start)).sqrt()
    return (x - ratio * noisy) / (end.sqrt() - ratio * start.sqrt())


def alpha_of(scheduler: DDIMScheduler, timesteps: Tensor, like: Tensor) -> Tensor:
    """The schedule's cumulative product at timesteps (B,), of a shape that broadcasts; below 0 there is no noise."""
    known = scheduler.alphas_cumprod.to(timesteps.device)[timesteps.clamp(min=0)]
    final = torch.as_tensor(scheduler.final_alpha_cumprod).to(known)
    alpha = torch.where(timesteps < 0, final, known)
    return alpha.to(like).view(-1, *[1] * (like.ndim - 1))


def _move(x: Tensor, clean: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """A DDIM step without fresh noise."""
    noise = (x - start.sqrt() * clean) / (1 - start).sqrt()
    return end.sqrt() * clean + (1 - end).sqrt() * noise
