"""Which share of a noisy sample is signal at a timestep, of any schedule, and back: how two models speak of one level.

Two families are known. In the first, x = √α c + √(1 - α) n, with α the schedule's ``alphas_cumprod``. In flow matching,
x = (1 - σ) c + σ n, with σ the timestep over the number of them. Levels are told as α; ``scale`` takes one x to the
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facediff.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_utils import SchedulerMixin


def is_flow(scheduler: SchedulerMixin) -> bool:
    """Whether a schedule is one of flow matching."""
    return "FlowMatch" in type(scheduler).__name__ or bool(scheduler.config.get("use_flow_sigmas"))


def prediction_kind(scheduler: SchedulerMixin) -> str:
    """What models of this schedule predict, as a kind of ``facediff.diffusion.prediction``.

    Raises:
        ConfigError: The schedule is of a family that is not known here, as EDM's.
    """
    if is_flow(scheduler):
        return "flow_prediction"
    if not hasattr(scheduler, "alphas_cumprod"):
        raise ConfigError(f"the noise levels of {type(scheduler).__name__} are not of diffusion nor of flow matching")
    return str(scheduler.config["prediction_type"])


def alpha_at(scheduler: SchedulerMixin, timestep: Tensor) -> Tensor:
    """α of a timestep, a scalar tensor, exact at whole timesteps; between two, √((1 - α) / α) is interpolated."""
    if is_flow(scheduler):
        sigma = timestep.float() / scheduler.config["num_train_timesteps"]
        return (1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2)
    table: Tensor = scheduler.alphas_cumprod.to(timestep.device)
    low = timestep.floor().long().clamp(0, len(table) - 1)
    share = timestep.float() - low
    if share == 0 or low == len(table) - 1:
        return table[low]
    ratio = torch.lerp(_ratio(table[low]), _ratio(table[low + 1]), share)
    return 1 / (1 + ratio**2)


def timestep_at(scheduler: SchedulerMixin, alpha: Tensor) -> Tensor:
    """The timestep of a level, the inverse of ``alpha_at``; levels beyond the schedule's ends are its ends."""
    if is_flow(scheduler):
        return scheduler.config["num_train_timesteps"] * (1 - alpha).sqrt() / (alpha.sqrt() + (1 - alpha).sqrt())
    ratios, wanted = _ratio(scheduler.alphas_cumprod.to(alpha)), _ratio(alpha)
    high = torch.searchsorted(ratios, wanted).clamp(1, len(ratios) - 1)
    low = high - 1
    return low + ((wanted - ratios[low]) / (ratios[high] - ratios[low])).clamp(0, 1).nan_to_num(1.0)


def scale(scheduler: SchedulerMixin, alpha: Tensor) -> Tensor | float:
    """What this schedule's x is multiplied by to be √α c + √(1 - α) n: 1, or for flow matching √α + √(1 - α)."""
    return alpha.sqrt() + (1 - alpha).sqrt() if is_flow(scheduler) else 1.0


def _ratio(alpha: Tensor) -> Tensor:
    """Noise over signal, which schedules interpolate over; without end where there is no signal."""
    return ((1 - alpha) / alpha).sqrt()
