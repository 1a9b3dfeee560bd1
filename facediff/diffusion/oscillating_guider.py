"""Guidance that is strong, then by turns strong and absent (Imagen Video, arXiv 2210.02303, section 2.6)."""

from __future__ import annotations

import torch
from diffusers.guiders import ClassifierFreeGuidance

from facediff.errors import ConfigError


class OscillatingGuidance(ClassifierFreeGuidance):
    """diffusers' classifier-free guidance whose scale is that of the step.

    The scale is high for the first steps and then alternates with 1, so that details which a high scale burns in heal.
    Limits of an interval are ``start`` and ``stop``, dynamic thresholding is the scheduler's ``thresholding``: both are
    diffusers' own.

    Args:
        high: The scale of the first steps and of every other one after them.
        steady_steps: How many those first ones are.
        start: Share of the steps from which there is guidance.
        stop: And up to which.
    """

    def __init__(self, high: float = 15.0, steady_steps: int = 4, start: float = 0.0, stop: float = 1.0) -> None:
        if high < 1 or steady_steps < 0:
            raise ConfigError(f"the scale is 1 or more and steady_steps 0 or more, not {high:g} and {steady_steps}")
        super().__init__(guidance_scale=high, start=start, stop=stop)
        self.high, self.steady_steps = high, steady_steps

    def set_state(self, step: int, num_inference_steps: int, timestep: torch.Tensor) -> None:
        """As ``BaseGuidance.set_state``, and chooses the scale of the step."""
        super().set_state(step=step, num_inference_steps=num_inference_steps, timestep=timestep)
        is_high = step < self.steady_steps or (step - self.steady_steps) % 2 == 1
        self.guidance_scale = self.high if is_high else 1.0
