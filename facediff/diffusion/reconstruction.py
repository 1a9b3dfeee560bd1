"""Frames that are known guide those that are not: VDM's reconstruction guidance, and LVDM's noise on what is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facediff.diffusion.noise_levels import alpha_at, prediction_kind, scale
from facediff.diffusion.prediction import convert, to_sample
from facediff.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_utils import SchedulerMixin


def guide_reconstruction(
    predict: Callable[[Tensor, Tensor], Tensor],
    known: Tensor,
    mask: Tensor,
    scheduler: SchedulerMixin,
    weight: float,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser whose unknown part goes where the known part comes out as it is known to be.

    The clean sample becomes x̂ - (weight · √α / 2) ∇ ‖known - x̂‖², the gradient that of the unknown part of the noisy
    sample, through the network: a call costs a backward pass too. ``denoise`` is to be told of the known part as well
    (its ``known``), which is replaced before each step.

    Args:
        predict: ``predict(x, t)``, differentiable.
        known: Clean samples, of the shape of x.
        mask: 1 where to paint, as in ``denoise``, 0 where ``known`` counts.
        scheduler: The one that steps.
        weight: Above 1 to follow the known part closely; from about 4 on, joins are smoother than the truth.

    Raises:
        ConfigError: The weight is below 0.

    Source: Ho et al., "Video Diffusion Models" (2022), equation 7.
    """
    if weight < 0:
        raise ConfigError(f"the weight of reconstruction guidance is at least 0, not {weight:g}")
    kind = prediction_kind(scheduler)

    def guided(x: Tensor, t: Tensor) -> Tensor:
        alpha = alpha_at(scheduler, t).to(x)
        factor = scale(scheduler, alpha)
        with torch.enable_grad():
            noisy = x.detach().requires_grad_()
            output = predict(noisy, t)
            clean = to_sample(output, noisy * factor, alpha, kind)
            miss = ((1 - mask) * (known - clean)).square().sum()
            (slope,) = torch.autograd.grad(miss, noisy)
        moved = clean.detach() - weight * alpha.sqrt() / 2 * mask * slope / factor
        return convert(moved, x * factor, alpha, "sample", kind)

    return guided


def perturb_condition(known: Tensor, noise: Tensor, level: float) -> Tensor:
    """What a model is given of frames that are known, noised as in its training, so that it trusts them only so far.

    Errors of a long continuation are taken for noise and smoothed away, and do not build up.

    Args:
        known: Clean frames.
        noise: Of unit variance and the same shape.
        level: Its variance, from 0, clean, to less than 1; the model must be told it.

    Raises:
        ConfigError: It is out of range.

    Source: He et al., "Latent Video Diffusion Models" (arXiv 2211.13221), section 3.3.
    """
    if not 0 <= level < 1:
        raise ConfigError(f"the noise level of what is given is from 0 to less than 1, not {level:g}")
    return known if level == 0 else (1 - level) ** 0.5 * known + level**0.5 * noise
