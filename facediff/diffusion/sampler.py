"""The denoising loop, for any diffusers scheduler."""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from facediff.diffusion.ddim import DDIM
from facediff.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_utils import SchedulerMixin


def denoise(
    predict: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    scheduler: SchedulerMixin | DDIM,
    num_inference_steps: int,
    *,
    start: Tensor | None = None,
    strength: float = 1.0,
    known: tuple[Tensor, Tensor] | None = None,
    generator: torch.Generator | None = None,
    eta: float = 0.0,
    step_noise: Callable[[int], Tensor] | None = None,
    corrector: Callable[[Tensor, Tensor], Tensor] | None = None,
    callback: Callable[[int, int, Tensor], None] | None = None,
) -> Tensor:
    """Clean latents from noise.

    Args:
        predict: ``predict(x, t)`` gives what the scheduler's ``prediction_type`` names.
        noise: (B, ...) of unit variance.
        scheduler: Not changed: a copy is stepped, so that several clips may share one.
        num_inference_steps: Steps for the whole range of noise levels.
        start: Latents to start from, noised, instead of pure noise (SDEdit, Meng et al. 2022).
        strength: Share of the noise levels that is run through, in (0, 1]; below 1 only with ``start``.
        known: Latents and a mask (1 where to paint): elsewhere the latents are held at the known ones, noised, before
            each step and after the last (RePaint, Lugmayr et al. 2022, without resampling).
        generator: For schedulers that add noise as they go.
        eta: Share of the noise that DDIM adds at each step, from 0 to 1, which is ancestral sampling.
        step_noise: Gives the noise of a step by its index, for schedulers that take it (DDIM, DDPM variants).
        corrector: Called with the latents and the timestep before each step; what it gives takes the latents' place
            (Song et al. 2021, section 4.2). For schedulers that keep no history, as DDIM, DDPM.
        callback: Called after each step with its index, its timestep and the latents.

    Raises:
        ConfigError: A number out of range.
    """
    if num_inference_steps < 1:
        raise ConfigError(f"num_inference_steps must be at least 1, not {num_inference_steps}")
    if not 0.0 < strength <= 1.0 or (strength < 1.0 and start is None):
        raise ConfigError(f"strength must be in (0, 1], and below 1 only with a start, not {strength}")
    scheduler = copy.deepcopy(scheduler)
    scheduler.set_timesteps(num_inference_steps, device=noise.device)
    timesteps = scheduler.timesteps
    if strength < 1.0:
        order = getattr(scheduler, "order", 1)
        first = (num_inference_steps - max(1, round(num_inference_steps * strength))) * order
        timesteps = timesteps[first:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
    levels = timesteps[:1].expand(len(noise))
    x = (
        noise * getattr(scheduler, "init_noise_sigma", 1.0)
        if start is None
        else scheduler.add_noise(start, noise, levels)
    )
    # Where the last noise level is pure noise, rounding would have DDIM take the root of less than nothing at eta 1.
    extra = _select_accepted(scheduler, generator=generator, eta=min(eta, 0.9999) or None)
    for index, t in enumerate(timesteps):
        if known is not None:
            x = _blend_known(x, known, scheduler.add_noise(known[0], noise, t.expand(len(noise))))
        if corrector is not None:
            x = corrector(x, t)
        seen = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x  # flow matching
        output = predict(seen, t)
        fresh = {} if step_noise is None else _select_accepted(scheduler, variance_noise=step_noise(index))
        x = scheduler.step(output, t, x, return_dict=False, **extra, **fresh)[0]
        if callback is not None:
            callback(index, int(t), x)
    return x if known is None else _blend_known(x, known, known[0])


def _blend_known(x: Tensor, known: tuple[Tensor, Tensor], latents: Tensor) -> Tensor:
    return known[1] * x + (1 - known[1]) * latents


def _select_accepted(scheduler: SchedulerMixin | DDIM, **arguments: Any) -> dict[str, Any]:
    """Those of the arguments that are given and that the scheduler's step takes."""
    takes = signature(scheduler.step).parameters
    return {name: value for name, value in arguments.items() if value is not None and name in takes}
