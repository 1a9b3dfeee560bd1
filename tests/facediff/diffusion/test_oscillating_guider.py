from __future__ import annotations

import pytest
import torch

from facediff.diffusion.guiders import apply_guider
from facediff.diffusion.oscillating_guider import OscillatingGuidance
from facediff.errors import ConfigError
from tests.facediff.diffusion.oracle import schedule


def scales(guider: OscillatingGuidance, steps: int) -> list[float]:
    """What each step multiplies the condition by, told from a network whose answer is its condition."""
    clock = schedule()
    clock.set_timesteps(steps)
    one, none = torch.ones(1), torch.zeros(1)
    made = apply_guider(guider, lambda x, t, cond: cond[0], torch.nn.Identity(), ((one,), (none,)), clock, steps)
    return [float(made(torch.zeros(1), t)) for t in clock.timesteps]


def test_guidance_is_high_at_first_and_then_by_turns_high_and_absent() -> None:
    assert scales(OscillatingGuidance(15.0, steady_steps=3), 7) == [15, 15, 15, 1, 15, 1, 15]


def test_outside_its_interval_there_is_none() -> None:
    assert scales(OscillatingGuidance(4.0, steady_steps=10, start=0.2, stop=0.6), 10) == [1, 1, 4, 4, 4, 4, 1, 1, 1, 1]


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        OscillatingGuidance(0.5)
