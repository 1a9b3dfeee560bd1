from __future__ import annotations

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from facediff.diffusion.prediction import convert
from facediff.diffusion.reconstruction import guide_reconstruction, perturb_condition
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError
from tests.facediff.diffusion.oracle import Oracle, rbf, schedule


def join_error(weight: float | None) -> float:
    """Squared change at the join of 4 given and 12 made frames, over the truth's; None is replacement alone."""
    oracle, steps = Oracle(rbf(16, 6.0)), schedule()
    generator = torch.Generator().manual_seed(0)
    truth = oracle.sample(400, generator)
    noise = torch.randn(400, 16, generator=generator, dtype=torch.float64)
    mask = torch.ones(16, dtype=torch.float64)
    mask[:4] = 0

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return oracle.clean(x, steps.alphas_cumprod[t], range(16))

    guided = predict if weight is None else guide_reconstruction(predict, truth, mask, steps, weight)
    clips = denoise(guided, noise, steps, 50, known=(truth, mask))
    return float((clips[:, 4] - clips[:, 3]).square().mean() / (truth[:, 4] - truth[:, 3]).square().mean())


def test_reconstruction_guidance_at_least_halves_the_join_error_of_replacement() -> None:
    replaced, guided, strong = join_error(None), join_error(1.0), join_error(2.0)
    assert guided <= replaced / 2
    assert strong < guided


def test_no_weight_is_the_plain_prediction() -> None:
    steps = schedule()
    x, t = torch.randn(2, 5, dtype=torch.float64), torch.tensor(500)
    got = guide_reconstruction(lambda x, t: 0.3 * x, torch.zeros(2, 5), torch.ones(5), steps, 0.0)(x, t)
    torch.testing.assert_close(got, 0.3 * x)


def variance_after(windows: int, level: float) -> float:
    """Of clips of 16 frames, each the continuation of the last 4 of the one before by a model that errs."""
    oracle = Oracle(rbf(16, 6.0))
    generator = torch.Generator().manual_seed(0)
    clips = oracle.sample(500, generator)
    for _ in range(windows):
        last = clips[:, -4:]
        given = perturb_condition(last, torch.randn(last.shape, generator=generator, dtype=torch.float64), level)
        fresh = oracle.extend(given, range(4), range(4, 16), generator, told=level)
        fresh = fresh + 0.1 * torch.randn(fresh.shape, generator=generator, dtype=torch.float64)
        clips = torch.cat([last, fresh], dim=1)
    return float(clips[:, 4:].var())


def test_noise_on_what_is_given_keeps_a_long_continuation_from_exploding() -> None:
    assert variance_after(30, 0.0) > 10
    assert variance_after(30, 0.01) == pytest.approx(1.0, abs=0.1)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 0"):
        guide_reconstruction(lambda x, t: x, torch.zeros(1), torch.ones(1), schedule(), -1.0)
    with pytest.raises(ConfigError, match="from 0 to less than 1"):
        perturb_condition(torch.zeros(1), torch.zeros(1), 1.0)


def test_in_flow_matching_it_is_the_same_guidance_at_the_same_level_of_noise() -> None:
    """Of a network that is linear, whose gradient is known; flow matching's x is scaled otherwise."""
    flow, sigma = FlowMatchEulerDiscreteScheduler(), 0.4
    length = ((1 - sigma) ** 2 + sigma**2) ** 0.5
    alpha = torch.tensor(((1 - sigma) / length) ** 2, dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    mix, x, known = (torch.randn(*shape, generator=g, dtype=torch.float64) for shape in ((6, 6), (1, 6), (1, 6)))
    mask = torch.tensor([[0.0, 0, 1, 1, 1, 1]], dtype=torch.float64)

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        noisy = x / length  # √α c + √(1 - α) n
        return convert(noisy @ mix.T, noisy, alpha, "sample", "flow_prediction")

    got = guide_reconstruction(predict, known, mask, flow, 2.0)(x, torch.tensor(1000 * sigma, dtype=torch.float64))
    noisy = x / length
    clean = noisy @ mix.T
    slope = -2 * ((1 - mask) * (known - clean)) @ mix
    wanted = clean - 2.0 * alpha.sqrt() / 2 * mask * slope
    torch.testing.assert_close(convert(got, noisy, alpha, "flow_prediction", "sample"), wanted, rtol=1e-5, atol=1e-5)
