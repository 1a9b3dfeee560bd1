import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from facediff.diffusion.noise_levels import alpha_at, is_flow, prediction_kind, scale, timestep_at
from facediff.errors import ConfigError
from facediff.models.difftalk import base_schedule

EVERY = [DDIMScheduler(), base_schedule(), FlowMatchEulerDiscreteScheduler(),
         UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)]  # fmt: skip


@pytest.mark.parametrize("scheduler", EVERY, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("t", [1, 40, 500, 977, 998])
def test_a_timestep_comes_back_from_its_level(scheduler, t: int) -> None:
    alpha = alpha_at(scheduler, torch.tensor(t))
    assert 0 < alpha < 1
    assert timestep_at(scheduler, alpha) == pytest.approx(t, abs=0.05)


def test_whole_timesteps_are_read_off_the_schedule() -> None:
    scheduler = base_schedule()
    for t in (0, 1, 500, 999):
        assert alpha_at(scheduler, torch.tensor(t)) == scheduler.alphas_cumprod[t]
    assert alpha_at(scheduler, torch.tensor(999)) == 0  # pure noise
    assert timestep_at(scheduler, torch.tensor(0.0)) == 999


def test_between_timesteps_levels_are_those_of_diffusers() -> None:
    scheduler = EulerDiscreteScheduler(timestep_spacing="linspace", beta_schedule="scaled_linear")
    scheduler.set_timesteps(7)
    ours = torch.stack([alpha_at(scheduler, t) for t in scheduler.timesteps])
    torch.testing.assert_close(((1 - ours) / ours).sqrt(), scheduler.sigmas[:-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scheduler", EVERY[2:], ids=lambda s: type(s).__name__)
def test_noisy_samples_of_flow_matching_are_scaled_to_those_of_diffusion(scheduler) -> None:
    g = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(5, generator=g), torch.randn(5, generator=g)
    scheduler.set_timesteps(6)
    for t, sigma in zip(scheduler.timesteps, scheduler.sigmas, strict=False):
        alpha = alpha_at(scheduler, t)
        x = (1 - sigma) * clean + sigma * noise
        wanted = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        torch.testing.assert_close(x * scale(scheduler, alpha), wanted, rtol=1e-3, atol=3e-3)  # UniPC rounds its t


def test_kinds_are_told_and_unknown_families_refused() -> None:
    assert [prediction_kind(s) for s in EVERY] == ["epsilon", "v_prediction", "flow_prediction", "flow_prediction"]
    assert [is_flow(s) for s in EVERY] == [False, False, True, True]
    assert scale(EVERY[0], torch.tensor(0.5)) == 1.0
    with pytest.raises(ConfigError, match="EDMEulerScheduler"):
        prediction_kind(EDMEulerScheduler())
