"""A denoiser under any guider of diffusers, for loops that ask for one prediction a step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facediff.diffusion.ddim import DDIM
from facediff.diffusion.guidance import C, Predict
from facediff.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.guiders import BaseGuidance
    from diffusers.schedulers.scheduling_utils import SchedulerMixin


def apply_guider(
    guider: BaseGuidance,
    predict: Predict[C],
    denoiser: torch.nn.Module,
    conditions: Sequence[C | None],
    scheduler: SchedulerMixin | DDIM,
    num_inference_steps: int,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of (x, t) that asks its network as often as a guider wants and combines the answers as that does.

    Args:
        guider: ``facediff.diffusion.score_guider.ScoreCompositionGuidance`` or any that diffusers has.
        predict: ``predict(x, t, cond)``, which calls the network.
        denoiser: The network itself, into which guiders put their hooks for the length of a call.
        conditions: What a guider chooses from: the condition, its negative, and what else it knows; None for one
            that there is not.
        scheduler: The one that steps; not changed.
        num_inference_steps: Its steps, by which guiders tell when they begin and end.

    Raises:
        ConfigError: When called, of a guider that wants a condition that there is not.
    """
    clock = copy.deepcopy(scheduler)
    clock.set_timesteps(num_inference_steps)
    timesteps = [float(t) for t in clock.timesteps]

    def combined(x: Tensor, t: Tensor) -> Tensor:
        guider.set_state(step=timesteps.index(float(t)), num_inference_steps=len(timesteps), timestep=t)
        batches = guider.prepare_inputs({"cond": tuple(conditions)})
        for batch in batches:
            if batch.cond is None:
                raise ConfigError(f"{type(guider).__name__} compares with a negative condition; give one")
            guider.prepare_models(denoiser)
            try:
                batch.noise_pred = predict(x, t, batch.cond)
            finally:
                guider.cleanup_models(denoiser)
        return guider(batches)[0]

    return combined


def refuse_scale_beside(guider: BaseGuidance, guidance_scale: float) -> None:
    """Refuses a guidance scale where a guider has one of its own.

    Raises:
        ConfigError: It is not 1.
    """
    if guidance_scale != 1.0:
        raise ConfigError(
            f"give a guidance_scale or a guider, not both: {type(guider).__name__} has strengths of its own"
        )
