"""Guidance by time, with the exact denoiser of a process in time, and of frames that know nothing of one another."""

from __future__ import annotations

import pytest
import torch

from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.noise_levels import alpha_at
from facediff.diffusion.sampler import denoise
from facediff.diffusion.temporal_guidance import apply_temporal_guidance
from facediff.errors import ConfigError
from tests.facediff.diffusion.oracle import Oracle, rbf, schedule

FRAMES = 16


def predict(x: torch.Tensor, t: torch.Tensor, cond: float) -> torch.Tensor:
    return cond * x + cond**2


def test_at_1_it_is_ordinary_guidance_bit_for_bit() -> None:
    x, t = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)), torch.tensor(3)
    for scale in (0.0, 1.0, 7.5):
        guided = apply_temporal_guidance(predict, 0.7, 0.2, 0.4, scale, 1.0)
        torch.testing.assert_close(guided(x, t), apply_guidance(predict, 0.7, 0.2, scale)(x, t), rtol=0, atol=0)


def test_it_is_continuous_there() -> None:
    x, t = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)), torch.tensor(3)
    near = apply_temporal_guidance(predict, 0.7, 0.2, 0.4, 7.5, 1 + 1e-7)
    torch.testing.assert_close(near(x, t), apply_guidance(predict, 0.7, 0.2, 7.5)(x, t), rtol=0, atol=1e-5)


def test_each_part_counts_as_published() -> None:
    guided = apply_temporal_guidance(lambda x, t, c: torch.tensor(c), 5.0, 2.0, 1.0, 3.0, 0.5)
    assert float(guided(torch.zeros(1), torch.tensor(0))) == 1 + 0.5 * (2 - 1) + 3 * (5 - 2)


def test_frames_follow_one_another_the_more_the_larger_it_is() -> None:
    """Warping error of a picture that stands still: the mean squared change from frame to frame."""
    together, apart = Oracle(rbf(FRAMES, 6.0)), Oracle(torch.eye(FRAMES))
    levels = schedule()

    def ask(x: torch.Tensor, t: torch.Tensor, who: Oracle) -> torch.Tensor:
        return who.clean(x, alpha_at(levels, t).double(), range(FRAMES))

    noise = torch.randn(400, FRAMES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    errors = []
    for scale in (0.0, 0.5, 1.0):
        denoiser = apply_temporal_guidance(ask, together, together, apart, 1.0, scale)
        errors.append(float(denoise(denoiser, noise, levels, 100).diff(dim=1).square().mean()))
    alone, half, whole = errors
    truth = float(2 * (1 - rbf(2, 6.0)[0, 1]))
    assert alone > 1.5 * half > 1.5 * whole
    assert alone == pytest.approx(2, rel=0.1) and whole == pytest.approx(truth, rel=0.2)


def test_nothing_below_0_is_taken() -> None:
    with pytest.raises(ConfigError, match="temporal_scale must be at least 0, not -1"):
        apply_temporal_guidance(predict, 1.0, 1.0, 1.0, 1.0, -1)
    with pytest.raises(ConfigError, match="guidance_scale must be at least 0"):
        apply_temporal_guidance(predict, 1.0, 1.0, 1.0, -1.0, 0.5)
