from __future__ import annotations

import pytest
import torch

from facediff.diffusion.base_noise import base_shares, join_noise, predict_in_parts
from facediff.errors import ConfigError

ALPHA = torch.tensor(0.3)


def test_frames_have_unit_variance_and_the_base_in_common() -> None:
    g = torch.Generator().manual_seed(0)
    base, residual = torch.randn(40_000, generator=g), torch.randn(5, 40_000, generator=g)
    made = join_noise(base, residual, base_shares(5))
    torch.testing.assert_close(made.var(dim=1), torch.ones(5), atol=0.02, rtol=0)
    assert torch.equal(made[2], base)
    assert float(torch.corrcoef(made)[0, 4]) == pytest.approx(0.5, abs=0.02)


def test_the_large_model_is_called_once_a_step_and_two_perfect_models_find_the_noise() -> None:
    g = torch.Generator().manual_seed(1)
    base, residual, clean = torch.randn(6, generator=g), torch.randn(4, 6, generator=g), torch.randn(4, 6, generator=g)
    shares, calls = base_shares(4), []
    noise = join_noise(base, residual, shares)

    def predict_base(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        calls.append(x.shape)
        return (x - ALPHA.sqrt() * clean[2]) / (1 - ALPHA).sqrt()

    def predict_residual(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        left = (1 - shares[:, None]).sqrt() * (1 - ALPHA).sqrt()
        return (x - ALPHA.sqrt() * clean) / left.clamp(min=1e-6) * (left > 0)

    x = ALPHA.sqrt() * clean + (1 - ALPHA).sqrt() * noise
    got = predict_in_parts(predict_base, predict_residual, shares, lambda t: ALPHA)(x, torch.tensor(0))
    torch.testing.assert_close(got, noise, atol=1e-5, rtol=1e-5)
    assert calls == [(1, 6)]


def test_no_base_is_the_plain_denoiser() -> None:
    x = torch.randn(3, 2)
    plain = predict_in_parts(lambda x, t: 1 / 0, lambda x, t: 0.5 * x, base_shares(3, 0.0), lambda t: ALPHA)
    assert torch.equal(plain(x, torch.tensor(0)), 0.5 * x)


def test_a_share_beyond_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        base_shares(3, 1.5)
