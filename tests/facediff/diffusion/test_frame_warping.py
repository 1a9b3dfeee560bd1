"""Latents carried along: by how much, and with which variance."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler

from facediff.diffusion.frame_warping import carry_along, carry_noisy, noise_further
from facediff.errors import ConfigError

SIDE = 32


def shifted(*by: float) -> torch.Tensor:
    """Origins of frames whose content has gone to the right by so many cells."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    stay = torch.stack([columns, rows], dim=-1).float()
    return torch.stack([stay - torch.tensor([amount, 0.0]) for amount in by])


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_whole_cells_are_moved_bit_for_bit_and_edges_mirrored() -> None:
    x = noise(0, 1, 3, SIDE, SIDE)
    made = carry_along(x, shifted(0, 3))
    torch.testing.assert_close(made[:1], x, rtol=0, atol=1e-5)
    torch.testing.assert_close(made[1, :, :, 3:], x[0, :, :, :-3], rtol=0, atol=1e-5)
    torch.testing.assert_close(made[1, :, :, :3], x[0, :, :, :3].flip(-1), rtol=0, atol=1e-5)


def test_noise_keeps_its_variance_between_cells() -> None:
    x = noise(1, 1, 64, SIDE, SIDE)
    as_picture, as_noise = (carry_along(x, shifted(2.5), is_noise=flag) for flag in (False, True))
    inside = (..., slice(4, -4))
    assert as_picture[inside].var() == pytest.approx(0.5, abs=0.02)
    assert as_noise[inside].var() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_noisy_latents_are_carried_by_their_two_parts(kind) -> None:
    """With the truth for a prediction: the clean part as a picture, the noise as noise, at the same level."""
    scheduler = DDIMScheduler(prediction_type=kind, clip_sample=False)
    clean, fuzz, t = noise(2, 1, 4, SIDE, SIDE), noise(3, 1, 4, SIDE, SIDE), torch.tensor(600)
    x = scheduler.add_noise(clean, fuzz, t[None])
    said = {"epsilon": fuzz, "sample": clean, "v_prediction": scheduler.get_velocity(clean, fuzz, t[None])}[kind]
    origins = shifted(1.25)
    made = carry_noisy(x, said, t, scheduler, origins)
    wanted = scheduler.add_noise(carry_along(clean, origins), carry_along(fuzz, origins, is_noise=True), t[None])
    torch.testing.assert_close(made, wanted, rtol=0, atol=1e-5)


def test_further_noise_makes_what_the_schedule_would_have_made_at_once() -> None:
    scheduler = DDIMScheduler(clip_sample=False)
    clean = torch.full((1, 64, SIDE, SIDE), 2.0)
    low, high = torch.tensor(300), torch.tensor(700)
    made = noise_further(
        scheduler.add_noise(clean, noise(4, *clean.shape), low[None]), low, high, noise(5, *clean.shape), scheduler
    )
    kept = scheduler.alphas_cumprod[700]
    assert made.mean() == pytest.approx(2 * float(kept.sqrt()), abs=0.02)
    assert made.var() == pytest.approx(float(1 - kept), rel=0.02)
    assert torch.equal(noise_further(clean, low, low, noise(6, *clean.shape), scheduler), clean)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="do not fit latents"):
        carry_along(noise(0, 1, 3, 8, 8), shifted(1))
    with pytest.raises(ConfigError, match="do not fit latents"):
        carry_along(noise(0, 2, 3, SIDE, SIDE), shifted(1, 2, 3))
    with pytest.raises(ConfigError, match="up to a higher level, not from 700 to 300"):
        noise_further(noise(0, 1, 1, 2, 2), torch.tensor(700), torch.tensor(300), noise(0, 1, 1, 2, 2), DDIMScheduler())
