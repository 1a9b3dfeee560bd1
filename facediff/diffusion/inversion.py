"""From clean latents up to the noise that a deterministic sampler would make them of."""

from __future__ import annotations

from collections.abc import Callable

from diffusers import DDIMInverseScheduler, DDIMScheduler
from torch import Tensor

from facediff.diffusion.prediction import to_epsilon
from facediff.errors import ConfigError


def invert(
    predict: Callable[[Tensor, Tensor], Tensor],
    clean: Tensor,
    scheduler: DDIMScheduler,
    num_inference_steps: int,
    *,
    fixed_point_steps: int = 1,
    callback: Callable[[int, int, Tensor], None] | None = None,
) -> Tensor:
    """The noise from which DDIM, with as many steps and eta 0, comes back to ``clean``.

    A step of DDIM from a noisier x to a cleaner y is y = a x + b eps(x). Its inverse is known but for eps(x), for which
    the plain inversion takes eps(y). Putting the x so found into eps again, and so on, ends at the inverse itself
    wherever the denoiser is smooth enough (Pan et al., "AIDI", ICCV 2023, section 3.2). Nothing is clipped on the way.

    Args:
        predict: ``predict(x, t)`` gives what the scheduler's ``prediction_type`` names.
        clean: Latents (B, ...).
        scheduler: The one that will lead back; its config is used, it is not changed.
        num_inference_steps: Steps over the whole range of noise levels.
        fixed_point_steps: Network calls to a step; 1 is the plain inversion.
        callback: Called after each step with its index, its timestep and the latents.

    Raises:
        ConfigError: A number out of range.

    Source: Song et al., "Denoising Diffusion Implicit Models" (ICLR 2021), section 4.3.
    """
    if num_inference_steps < 1 or fixed_point_steps < 1:
        raise ConfigError(f"an inversion takes at least 1 step, not {min(num_inference_steps, fixed_point_steps)}")
    inverse = DDIMInverseScheduler.from_config(scheduler.config, prediction_type="epsilon", clip_sample=False)
    inverse.set_timesteps(num_inference_steps, device=clean.device)
    kind = scheduler.config["prediction_type"]
    x = clean
    for index, t in enumerate(inverse.timesteps):
        alpha = scheduler.alphas_cumprod.to(x)[t]
        lower = x
        for _ in range(fixed_point_steps):
            x = inverse.step(to_epsilon(predict(x, t), x, alpha, kind), t, lower, return_dict=False)[0]
        if callback is not None:
            callback(index, int(t), x)
    return x
