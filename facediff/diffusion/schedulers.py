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
    "dpm++sde": "DPMSolverSDEScheduler",
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
        ConfigError: diffusers has no such scheduler.
    """
    kind: Any = getattr(diffusers, NAMES.get(name.lower(), name), None)
    if not hasattr(kind, "from_config") or not hasattr(kind, "set_timesteps"):
        raise ConfigError(f"there is no scheduler {name!r}; there are {', '.join(NAMES)}")
    return kind.from_config(trained if isinstance(trained, dict) else trained.config)
