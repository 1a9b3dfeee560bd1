import pytest
import torch
from diffusers import DDIMScheduler

from facediff.diffusion.prediction import KINDS, from_epsilon, to_epsilon, to_sample
from facediff.errors import ConfigError


@pytest.fixture
def drawn() -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(4, 3, generator=g).double(), torch.randn(4, 3, generator=g).double()
    scheduler = DDIMScheduler(beta_schedule="linear", beta_start=1e-4, beta_end=0.02)
    t = torch.tensor([3, 200, 700, 990])
    alpha = scheduler.alphas_cumprod.double()[t][:, None]
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    return {
        "clean": clean, "noise": noise, "alpha": alpha, "noisy": noisy,
        "epsilon": noise, "sample": clean, "v_prediction": alpha.sqrt() * noise - (1 - alpha).sqrt() * clean,
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_tells_the_noise_and_the_clean_sample(kind: str, drawn) -> None:
    given = (drawn[kind], drawn["noisy"], drawn["alpha"], kind)
    torch.testing.assert_close(to_epsilon(*given), drawn["noise"], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(to_sample(*given), drawn["clean"], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(from_epsilon(drawn["noise"], *given[1:]), drawn[kind], rtol=1e-6, atol=1e-6)


def test_velocities_are_those_of_diffusers(drawn) -> None:
    scheduler = DDIMScheduler(beta_schedule="linear", beta_start=1e-4, beta_end=0.02)
    theirs = scheduler.get_velocity(drawn["clean"], drawn["noise"], torch.tensor([3, 200, 700, 990]))
    torch.testing.assert_close(drawn["v_prediction"], theirs, rtol=1e-4, atol=1e-4)


def test_an_unknown_kind_is_refused(drawn) -> None:
    with pytest.raises(ConfigError, match="prediction type"):
        to_epsilon(drawn["noise"], drawn["noisy"], drawn["alpha"], "flow")
