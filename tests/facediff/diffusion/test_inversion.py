"""Inversion against the oracle: the best denoiser of a Gaussian is known in closed form."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler

from facediff.diffusion.inversion import invert
from facediff.diffusion.prediction import from_epsilon
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError

MEAN, DEVIATION = 0.7, 0.4


def schedule(kind: str) -> DDIMScheduler:
    return DDIMScheduler(
        beta_schedule="linear", beta_start=1e-4, beta_end=0.02, prediction_type=kind, clip_sample=False
    )


def oracle(scheduler: DDIMScheduler):
    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha = scheduler.alphas_cumprod[t].to(x)
        spread = alpha * DEVIATION**2 + 1 - alpha
        epsilon = (1 - alpha).sqrt() * (x - alpha.sqrt() * MEAN) / spread
        return from_epsilon(epsilon, x, alpha, scheduler.config["prediction_type"])

    return predict


@pytest.fixture
def clean() -> torch.Tensor:
    return MEAN + DEVIATION * torch.randn(64, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_the_fixed_point_is_the_inverse_even_in_few_steps(kind: str, clean: torch.Tensor) -> None:
    scheduler = schedule(kind)
    predict = oracle(scheduler)

    def error(**options: int) -> float:
        noise = invert(predict, clean, scheduler, 10, **options)
        return float((denoise(predict, noise, scheduler, 10) - clean).abs().max())

    assert error(fixed_point_steps=30) < 1e-4
    assert error() > 50 * error(fixed_point_steps=30)


def test_many_steps_lead_to_the_noise_that_the_flow_says(clean: torch.Tensor) -> None:
    """DDIM's flow carries a Gaussian's deviations: (x - mean) / deviation is the same at both ends."""
    scheduler = schedule("epsilon")
    noise = invert(oracle(scheduler), clean, scheduler, 500)
    torch.testing.assert_close(noise, (clean - MEAN) / DEVIATION, rtol=0.03, atol=0.03)


def test_scheduler_and_clean_latents_stay_as_they_are(clean: torch.Tensor) -> None:
    scheduler, before = schedule("epsilon"), clean.clone()
    steps = scheduler.timesteps.clone()
    seen: list[int] = []
    invert(oracle(scheduler), clean, scheduler, 4, callback=lambda index, t, x: seen.append(t))
    assert torch.equal(clean, before) and torch.equal(scheduler.timesteps, steps)
    assert seen == [0, 250, 500, 750]


@pytest.mark.parametrize("options", [{"num_inference_steps": 0}, {"num_inference_steps": 3, "fixed_point_steps": 0}])
def test_no_steps_are_refused(options: dict, clean: torch.Tensor) -> None:
    scheduler = schedule("epsilon")
    with pytest.raises(ConfigError):
        invert(oracle(scheduler), clean, scheduler, **options)
