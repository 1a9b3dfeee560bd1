"""The expected clean sample against closed forms: data that is Gaussian around a mean that the condition gives."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler

from facediff.diffusion.delta_denoising import predict_clean
from facediff.diffusion.prediction import from_epsilon
from facediff.errors import ConfigError

SCHEDULER = DDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True)
SIGMA = 0.4  # of the data around its mean


def oracle(mean: float):
    """The exact denoiser of N(mean, SIGMA²), as v."""

    def predict(x, t):
        alpha = SCHEDULER.alphas_cumprod[t]
        variance = alpha * SIGMA**2 + 1 - alpha
        epsilon = (1 - alpha).sqrt() * (x - alpha.sqrt() * mean) / variance
        return from_epsilon(epsilon, x, alpha, "v_prediction")

    return predict


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(5, 2, 3, 3, generator=torch.Generator().manual_seed(1))


def noise(count: int) -> torch.Tensor:
    return torch.randn(count, 2, 3, 3, generator=torch.Generator().manual_seed(2))


def test_a_change_of_mean_is_told_whatever_the_frame_and_the_noise(latents) -> None:
    levels = (0.3, 0.7, 0.9)
    own, wanted = (predict_clean(oracle(mean), latents, SCHEDULER, levels, noise(3)) for mean in (0.0, 0.5))
    alpha = torch.stack([SCHEDULER.alphas_cumprod[round(level * 999)] for level in levels])
    share = ((1 - alpha) / (alpha * SIGMA**2 + 1 - alpha)).mean()  # what noise leaves to the condition
    torch.testing.assert_close(wanted - own, torch.full_like(latents, 0.5 * float(share)), atol=1e-4, rtol=1e-4)


def test_where_there_is_no_noise_the_sample_is_known(latents) -> None:
    torch.testing.assert_close(
        predict_clean(oracle(3.0), latents, SCHEDULER, (0.0,), noise(1)), latents, atol=0.05, rtol=0
    )


def test_frames_share_their_noise(latents) -> None:
    same = latents[:1].expand(4, -1, -1, -1)
    made = predict_clean(oracle(0.2), same, SCHEDULER, (0.5,), noise(1))
    torch.testing.assert_close(made, made[:1].expand_as(made))


@pytest.mark.parametrize(("levels", "count", "said"), [
    ((), 0, "there must be one"), ((1.2,), 1, "from 0 to 1"), ((0.5, 0.6), 1, "2 levels"),
])  # fmt: skip
def test_levels_that_make_no_sense(latents, levels, count: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        predict_clean(oracle(0.0), latents, SCHEDULER, levels, noise(count))
