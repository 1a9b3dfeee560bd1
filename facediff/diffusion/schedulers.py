"""diffusers schedulers by short names, made from the schedule a model was trained with."""

from __future__ import annotations

from typing import Any

import diffusers
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from facediff.errors import ConfigError

NAMES = {
    "ddim": "DDIMScheduler",
    "ddpm": "DDPMScheduler",
    "deis": "DEISMultistepScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler-a": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "lcm": "LCMScheduler",
    "pndm": "PNDMScheduler",
    "unipc": "UniPCMultistepScheduler",
}


def make_scheduler(name: str, trained: SchedulerMixin | dict[str, Any]) -> SchedulerMixin:
    """A scheduler for a model that was trained with another one.

    Args:
        name: A short name of ``NAMES``, or the name of any diffusers scheduler class.
        trained: The training scheduler or its config.

    Raises:
        ConfigError: diffusers has no such scheduler, it needs a library that is not installed, or its noise levels
            are not of the kind that models here are trained with.
    """
    kind: Any = getattr(diffusers, NAMES.get(name.lower(), name), None)
    if not hasattr(kind, "from_config") or not hasattr(kind, "set_timesteps"):
        raise ConfigError(f"there is no scheduler {name!r}; there are {', '.join(NAMES)}")
    try:
        scheduler = kind.from_config(trained if isinstance(trained, dict) else trained.config)
    except ImportError as error:
        raise ConfigError(f"the scheduler {name!r} needs a library that is not installed; take another") from error
    if not hasattr(scheduler, "alphas_cumprod"):  # flow matching, EDM
        raise ConfigError(f"the scheduler {name!r} does not know the noise levels of this model; take another")
    return scheduler
