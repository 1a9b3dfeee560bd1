"""Noisy latents carried along with what moves in a clip."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from facediff.diffusion.noise_levels import alpha_at, prediction_kind
from facediff.diffusion.prediction import to_epsilon, to_sample
from facediff.errors import ConfigError


def carry_along(x: Tensor, origins: Tensor, *, is_noise: bool = False) -> Tensor:
    """Latents (F, L, h, w) that are looked up, between cells too, in others.

    Args:
        x: (1 or F, L, h, w).
        origins: (F, h, w, 2), where the content of each cell comes from: column and row, in cells. What comes from
            beyond an edge is mirrored at it.
        is_noise: Whether what is carried is noise, which then keeps its variance: a mean of four numbers that are
            independent has less, and is divided by the length of its weights.

    Raises:
        ConfigError: The shapes do not fit.
    """
    if origins.shape[1:] != (*x.shape[2:], 2) or len(x) not in (1, len(origins)):
        raise ConfigError(f"origins of frames {tuple(origins.shape)} do not fit latents {tuple(x.shape)}")
    size = origins.new_tensor([x.shape[3], x.shape[2]])
    grid = ((2 * origins + 1) / size - 1).to(x)
    made = F.grid_sample(x.expand(len(origins), -1, -1, -1), grid, padding_mode="reflection", align_corners=False)
    if not is_noise:
        return made
    share = (origins - origins.floor()).to(x)
    weights = (share.square() + (1 - share).square()).prod(dim=-1)
    return made / weights.sqrt()[:, None]


def carry_noisy(x: Tensor, output: Tensor, t: Tensor, scheduler: SchedulerMixin, origins: Tensor) -> Tensor:
    """Noisy latents (F, L, h, w) of one frame, carried to F: what is clean in them, and the noise as noise.

    Text2Video-Zero carries noisy latents as they are, to whole cells. Divided like this they may go by fractions, as
    faces do, and have the variance that the denoiser expects of them.

    Args:
        x: Noisy latents (1, L, h, w).
        output: What the denoiser predicts of them.
        t: Their timestep.
        scheduler: Whose noise level that is.
        origins: See ``carry_along``.

    Source: after Khachatryan et al., "Text2Video-Zero" (ICCV 2023), section 3.3.1.
    """
    alpha, kind = alpha_at(scheduler, t).to(x), prediction_kind(scheduler)
    clean = carry_along(to_sample(output, x, alpha, kind), origins)
    noise = carry_along(to_epsilon(output, x, alpha, kind), origins, is_noise=True)
    return alpha.sqrt() * clean + (1 - alpha).sqrt() * noise


def noise_further(x: Tensor, t: Tensor, later: Tensor, noise: Tensor, scheduler: SchedulerMixin) -> Tensor:
    """Latents at one noise level, brought up to a higher one by the forward process.

    Args:
        x: (F, L, h, w) at timestep ``t``.
        t: Theirs.
        later: The noisier one.
        noise: Of unit variance, shape of x.
        scheduler: Whose levels they are.

    Raises:
        ConfigError: The second level is not the noisier one.

    Source: Khachatryan et al., "Text2Video-Zero" (ICCV 2023), equation 5.
    """
    kept = alpha_at(scheduler, later).to(x) / alpha_at(scheduler, t).to(x)
    if not 0 <= kept <= 1:
        raise ConfigError(f"noise is added up to a higher level, not from {float(t):g} to {float(later):g}")
    return torch.sqrt(kept) * x + torch.sqrt(1 - kept) * noise
