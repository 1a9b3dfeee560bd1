"""Gaussian experts have closed forms: their noise, their product's mean, and what a mix of them must be."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.langevin import run_langevin
from facediff.diffusion.prediction import convert, from_epsilon
from facediff.diffusion.sampler import denoise
from facediff.diffusion.score_composition import Expert, compose_normalised, compose_product
from facediff.diffusion.strength import limit_levels
from facediff.errors import ConfigError

SCHEDULE = DDIMScheduler(prediction_type="epsilon", clip_sample=False, timestep_spacing="trailing")
Gaussian = tuple[float, float]
SMALL, PRIOR = (0.5, 1.0), (3.0, 0.5)


def eps(x: Tensor, t: Tensor, cond: Gaussian) -> Tensor:
    """The exact noise in x for data drawn from N(mean, deviation²)."""
    mean, deviation = cond
    a = SCHEDULE.alphas_cumprod[int(t)]
    return (1 - a).sqrt() * (x - a.sqrt() * mean) / (a * deviation**2 + 1 - a)


class Counting:
    """A denoiser that remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Gaussian]] = []

    def __call__(self, x: Tensor, t: Tensor, cond: Gaussian) -> Tensor:
        self.asked.append((int(t), cond))
        return eps(x, t, cond)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(64, generator=torch.Generator().manual_seed(0))


def bits_are_equal(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("form", [compose_product, compose_normalised])
@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_without_strength_it_is_the_small_models_guidance_bit_for_bit(form, guidance: float, x) -> None:
    prior = Counting()
    host = Expert(eps, SMALL, (0.0, 2.0), guidance)
    composed = form(host, [Expert(prior, PRIOR, (1.0, 1.0), 0.0), Expert(prior, PRIOR, None, 0.0)])
    for t in (0, 500, 999):
        bits_are_equal(
            composed(x, torch.tensor(t)), apply_guidance(eps, SMALL, (0.0, 2.0), guidance)(x, torch.tensor(t))
        )
    assert prior.asked == []


def test_guidance_of_one_is_the_plain_sum(x) -> None:
    t, small = torch.tensor(400), Counting()
    composed = compose_product(Expert(small, SMALL, (0.0, 2.0)), [Expert(eps, PRIOR, strength=0.3)])
    bits_are_equal(composed(x, t), eps(x, t, SMALL) + 0.3 * eps(x, t, PRIOR))
    assert small.asked == [(400, SMALL)]  # and no call for the null


def test_the_papers_coefficients(x) -> None:
    t, null = torch.tensor(400), (0.0, 2.0)
    composed = compose_product(Expert(eps, SMALL, null, 2.5), [Expert(eps, PRIOR, strength=0.1)])
    literal = (1 - 2.5) * eps(x, t, null) + 2.5 * eps(x, t, SMALL) + 2.5 * 0.1 * eps(x, t, PRIOR)
    torch.testing.assert_close(composed(x, t), literal)


def test_with_roles_swapped_it_is_the_inverse_form(x) -> None:
    """adapt2act: ε_L(c) + γ ε_s(c) around ε_L(∅)."""
    t = torch.tensor(300)
    swapped = compose_product(Expert(eps, PRIOR, (0.0, 2.0), 2.0), [Expert(eps, SMALL, strength=0.5)])(x, t)
    wanted = (1 - 2.0) * eps(x, t, (0.0, 2.0)) + 2.0 * eps(x, t, PRIOR) + 2.0 * 0.5 * eps(x, t, SMALL)
    torch.testing.assert_close(swapped, wanted)


def test_a_normalised_mix_of_one_noise_is_that_noise(x) -> None:
    """Coefficients sum to 1: where all agree nothing changes, however many experts and however strong."""
    t = torch.tensor(600)
    others = [Expert(eps, SMALL, SMALL, 0.7), Expert(eps, SMALL, None, 1.9), Expert(eps, SMALL, SMALL, 5.0)]
    torch.testing.assert_close(compose_normalised(Expert(eps, SMALL, SMALL, 3.0), others)(x, t), eps(x, t, SMALL))
    assert (compose_product(Expert(eps, SMALL, SMALL, 3.0), others)(x, t) - eps(x, t, SMALL)).abs().max() > 1


def test_a_normalised_mix_is_the_same_in_every_kind_of_prediction(x) -> None:
    t = torch.tensor(600)
    alpha = SCHEDULE.alphas_cumprod[600]
    for kind in ("sample", "v_prediction", "flow_prediction"):

        def told(x: Tensor, t: Tensor, cond: Gaussian, kind: str = kind) -> Tensor:
            return from_epsilon(eps(x, t, cond), x, alpha, kind)

        one, other = (
            compose_normalised(
                Expert(f, SMALL, (0.0, 2.0), 2.0),
                [Expert(f, PRIOR, (1.0, 1.0), 0.4), Expert(f, (9.0, 1.0), None, 0.2)],
            )
            for f in (eps, told)
        )
        torch.testing.assert_close(convert(other(x, t), x, alpha, kind, "epsilon"), one(x, t), rtol=1e-4, atol=1e-4)


def test_a_product_of_another_kind_takes_the_others_as_differences_from_no_noise(x) -> None:
    t, alpha = torch.tensor(600), SCHEDULE.alphas_cumprod[600]

    def velocity(x: Tensor, t: Tensor, cond: Gaussian) -> Tensor:
        return from_epsilon(eps(x, t, cond), x, alpha, "v_prediction")

    def difference(x: Tensor, t: Tensor, cond: Gaussian) -> Tensor:
        return velocity(x, t, cond) - from_epsilon(torch.zeros_like(x), x, alpha, "v_prediction")

    told = compose_product(Expert(velocity, SMALL, (0.0, 2.0), 2.5), [Expert(difference, PRIOR, strength=0.3)])(x, t)
    right = compose_product(Expert(eps, SMALL, (0.0, 2.0), 2.5), [Expert(eps, PRIOR, strength=0.3)])(x, t)
    torch.testing.assert_close(convert(told, x, alpha, "v_prediction", "epsilon"), right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("null", [SMALL, None])
def test_experts_of_equal_spread_move_the_mean_by_their_strengths(null: Gaussian | None) -> None:
    """The geometric mean of Gaussians of one spread is a Gaussian between them; DDIM is right where noise is not
    over-counted."""
    composed = compose_normalised(
        Expert(eps, (0.0, 1.0), null and (0.0, 1.0)), [Expert(eps, (4.0, 1.0), null and (0.0, 1.0), 0.25)]
    )
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    made = denoise(composed, noise, SCHEDULE, 50)
    assert made.mean() == pytest.approx(1.0, abs=0.05) and made.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_an_expert_without_a_negative_is_measured_against_the_hosts_null(guidance: float, x) -> None:
    t, null = torch.tensor(500), (0.0, 2.0)
    composed = compose_normalised(Expert(eps, SMALL, null, guidance), [Expert(eps, PRIOR, None, 0.25)])
    base, own, other = (eps(x, t, cond) for cond in (null, SMALL, PRIOR))
    torch.testing.assert_close(composed(x, t), base + guidance * (own - base) + 0.25 * (other - base))


def test_every_expert_leans_away_from_its_own_negative(x) -> None:
    t, away = torch.tensor(500), [(2.0, 1.0), (-1.0, 1.0)]
    composed = compose_normalised(Expert(eps, SMALL), [Expert(eps, PRIOR, negative, 0.5) for negative in away])
    wanted = eps(x, t, SMALL) + sum(0.5 * (eps(x, t, PRIOR) - eps(x, t, negative)) for negative in away)
    torch.testing.assert_close(composed(x, t), wanted)


@pytest.mark.parametrize("experts", [
    [(1.0, 1.0), (3.0, 0.5)],
    [(1.0, 1.0), (3.0, 0.5), (-2.0, 2.0), (2.0, 0.8), (4.0, 1.5)],
])  # fmt: skip
def test_with_langevin_steps_samples_are_those_of_the_product_which_ddim_alone_misses(experts) -> None:
    precision = sum(1 / s**2 for _, s in experts)
    mean, deviation = sum(m / s**2 for m, s in experts) / precision, precision**-0.5
    composed = compose_product(Expert(eps, experts[0]), [Expert(eps, expert) for expert in experts[1:]])
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(8000, 1, generator=g)

    def refine(x: Tensor, t: Tensor) -> Tensor:
        return run_langevin(composed, x, t, SCHEDULE.alphas_cumprod[t], steps=15, step_size=0.3, generator=g)

    refined = denoise(composed, noise, SCHEDULE, 250, corrector=refine)
    assert refined.mean() == pytest.approx(mean, rel=0.01)
    assert refined.std() == pytest.approx(deviation, rel=0.05)
    plain = denoise(composed, noise, SCHEDULE, 250)
    assert abs(plain.mean() / mean - 1) > 0.05 and plain.std() < 0.1 * deviation  # noise is taken off twice and more


def test_outside_of_its_levels_the_prior_is_not_called() -> None:
    prior = Counting()
    composed = compose_product(Expert(eps, SMALL), [Expert(prior, PRIOR, strength=limit_levels(0.5, 0.4, 1.0))])
    seen: list[int] = []
    denoise(composed, torch.randn(2, 1), SCHEDULE, 10, callback=lambda i, t, x: seen.append(t))
    assert [t for t, _ in prior.asked] == [t for t in seen if t >= 400] and len(prior.asked) == 6


def test_strength_follows_the_level(x) -> None:
    composed = compose_product(Expert(eps, SMALL), [Expert(eps, PRIOR, strength=lambda level: level**2)])
    for t in (torch.tensor(100), torch.tensor(900)):
        bits_are_equal(composed(x, t), eps(x, t, SMALL) + (float(t) / 1000) ** 2 * eps(x, t, PRIOR))


@pytest.mark.parametrize("form", [compose_product, compose_normalised])
def test_what_makes_no_sense_is_refused(form, x) -> None:
    t = torch.tensor(500)
    with pytest.raises(ConfigError, match="a guidance of 2 needs a null condition"):
        form(Expert(eps, SMALL, strength=2.0), [])(x, t)
    for strength in (-0.5, math.nan):
        with pytest.raises(ConfigError, match="a strength must be at least 0"):
            form(Expert(eps, SMALL), [Expert(eps, PRIOR, SMALL, strength)])(x, t)
