"""Guiders of diffusers around a denoiser of (x, t), against closed forms."""

from __future__ import annotations

import pytest
import torch
from diffusers import HeunDiscreteScheduler
from diffusers.guiders import BaseGuidance, ClassifierFreeGuidance
from torch import Tensor, nn

from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.guiders import apply_guider, refuse_scale_beside
from facediff.diffusion.sampler import denoise
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.models.difftalk import base_schedule

NOISE = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))


class Times(nn.Module):
    """Multiplies by a number, and adds what it is conditioned on."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor, t: Tensor, cond: float) -> Tensor:
        return self.factor * x + cond


def under(guider: BaseGuidance, network: Times, *conditions: float | None, steps: int = 4, scheduler=None):
    scheduler = scheduler or base_schedule()
    return apply_guider(guider, lambda x, t, c: network(x, t, c), network, conditions, scheduler, steps)


def composing(strength, scale: float = 1.0, prior: float = -1.0, **more) -> ScoreCompositionGuidance:
    guider = ScoreCompositionGuidance(scale, strength, **more)
    guider.prior = Times(prior)
    return guider


def test_diffusers_own_guidance_is_ours() -> None:
    network = Times(0.5)
    ours = apply_guidance(lambda x, t, c: network(x, t, c), 1.0, 0.25, 3.0)
    scheduler = base_schedule()
    theirs = under(ClassifierFreeGuidance(3.0), network, 1.0, 0.25)
    torch.testing.assert_close(denoise(theirs, NOISE, scheduler, 4), denoise(ours, NOISE, scheduler, 4))


@pytest.mark.parametrize(
    ("form", "scale", "conditions", "wanted"),
    [
        ("normalised", 1.0, (1.0,), 0.7 * 3 + 0.3 * -1),  # no negatives: a share of each
        ("normalised", 1.0, (1.0, None), 0.7 * 3 + 0.3 * -1),
        ("normalised", 1.0, (1.0, 0.5), 3 + 0.3 * 0.5),  # along the prior's own condition
        ("normalised", 1.0, (1.0, 0.5, 2.0, None), 3 + 0.3 * (0 - 2.5)),  # against the host's negative
        ("normalised", 2.0, (1.0, 0.5, 2.0, None), 2.5 + 2 * 0.5 + 0.3 * (0 - 2.5)),
        ("product", 1.0, (1.0,), 3 + 0.3 * -1),
        ("product", 2.0, (1.0, 0.5), 2.5 + 2 * (3 + 0.3 * -1 - 2.5)),
    ],
)
def test_a_prior_has_its_say_with_and_without_negatives(form, scale, conditions, wanted) -> None:
    """At x = 1 the small model says 2 + its condition, the prior -2 + its own."""
    denoiser = under(composing(0.3, scale, -2.0, form=form), Times(2.0), *conditions)
    torch.testing.assert_close(denoiser(torch.ones(1), torch.tensor(999)), torch.tensor([wanted]))


def test_guiders_know_the_step_whatever_the_scheduler_and_wherever_it_begins() -> None:
    asked: list[int] = []
    guider = composing(0.3, start=0.5)

    class Noting(Times):
        def forward(self, x: Tensor, t: Tensor, cond: float) -> Tensor:
            asked.append(int(t))
            return super().forward(x, t, cond)

    guider.prior = Noting(1.0)
    scheduler = base_schedule()
    denoise(under(guider, Times(0.5), 1.0), NOISE, scheduler, 4)
    assert asked == [499, 249]
    asked.clear()
    denoise(under(guider, Times(0.5), 1.0), NOISE, scheduler, 4, start=torch.zeros_like(NOISE), strength=0.25)
    assert asked == [249]
    asked.clear()
    heun = HeunDiscreteScheduler.from_config(scheduler.config)
    denoise(under(guider, Times(0.5), 1.0, scheduler=heun), NOISE, heun, 4)
    assert 0 < len(asked) <= 4


def test_a_network_whose_call_failed_is_left_as_it_was() -> None:
    network, x, t = Times(2.0), torch.ones(1), torch.tensor(999)
    guider = composing(0.3)

    def failing(*_: object) -> Tensor:
        raise RuntimeError("no memory")

    guider.prior = failing
    with pytest.raises(RuntimeError, match="no memory"):
        under(guider, network, 1.0)(x, t)
    torch.testing.assert_close(network(x, t, 1.0), torch.tensor([3.0]))


def test_a_negative_that_is_wanted_and_not_there_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="ClassifierFreeGuidance compares with a negative condition; give one"):
        under(ClassifierFreeGuidance(3.0), Times(2.0), 1.0, None)(torch.ones(1), torch.tensor(999))
    with pytest.raises(ConfigError, match="guidance_scale of 2 needs a negative condition"):
        under(composing(0.3, 2.0), Times(2.0), 1.0, None)(torch.ones(1), torch.tensor(999))


def test_two_strengths_of_one_guidance_are_refused() -> None:
    refuse_scale_beside(composing(0.3), 1.0)
    with pytest.raises(ConfigError, match="guidance_scale or a guider, not both"):
        refuse_scale_beside(composing(0.3), 2.0)
