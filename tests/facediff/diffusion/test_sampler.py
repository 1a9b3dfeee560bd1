"""An exact denoiser of a Gaussian has a known answer, whatever the scheduler."""

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.sampler import denoise
from facediff.diffusion.schedulers import NAMES, make_scheduler
from facediff.errors import ConfigError

MEAN, STD = 3.0, 0.5


def trained(prediction: str = "v_prediction", **changes) -> DDIMScheduler:
    return DDIMScheduler(
        prediction_type=prediction, clip_sample=False, timestep_spacing="trailing", **changes
    )  # fmt: skip


def oracle(scheduler: DDIMScheduler):
    """The exact prediction for data drawn from N(MEAN, STD²)."""
    alphas = scheduler.alphas_cumprod

    def predict(x: Tensor, t: Tensor) -> Tensor:
        a = alphas[int(t)]
        alpha, sigma = a.sqrt(), (1 - a).sqrt()
        clean = MEAN + alpha * STD**2 * (x - alpha * MEAN) / (a * STD**2 + sigma**2)
        eps = (x - alpha * clean) / sigma
        kinds = {"sample": clean, "epsilon": eps, "v_prediction": alpha * eps - sigma * clean}
        return kinds[scheduler.config.prediction_type]

    return predict


@pytest.mark.parametrize("prediction", ["sample", "epsilon", "v_prediction"])
@pytest.mark.parametrize("name", ["ddim", "dpm++", "unipc"])
def test_the_gaussian_comes_out(prediction: str, name: str) -> None:
    scheduler = trained(prediction)
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    x = denoise(oracle(scheduler), noise, make_scheduler(name, scheduler), 50)
    assert abs(x.mean() - MEAN) < 0.05
    assert abs(x.std() - STD) < 0.05


def test_one_step_from_pure_noise_is_the_mean() -> None:
    scheduler = trained(rescale_betas_zero_snr=True)
    x = denoise(oracle(scheduler), torch.randn(16, 1), scheduler, 1)
    torch.testing.assert_close(x, torch.full((16, 1), MEAN), atol=1e-3, rtol=0)


def test_strength_keeps_what_was_there() -> None:
    scheduler = trained()
    start = torch.linspace(2, 4, 64)[:, None]
    noise = torch.randn(64, 1, generator=torch.Generator().manual_seed(0))
    calls: list[int] = []
    x = denoise(
        oracle(scheduler), noise, scheduler, 20, start=start, strength=0.1, callback=lambda i, t, _: calls.append(t)
    )
    assert len(calls) == 2
    assert torch.corrcoef(torch.stack([x[:, 0], start[:, 0]]))[0, 1] > 0.8


@pytest.mark.parametrize("zero_snr", [False, True])
def test_ancestral_sampling_has_the_gaussian_too_with_noise_that_is_given(zero_snr: bool) -> None:
    scheduler = trained(rescale_betas_zero_snr=zero_snr)
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    asked: list[int] = []

    def step_noise(index: int) -> Tensor:
        asked.append(index)
        return torch.randn(4000, 1, generator=torch.Generator().manual_seed(index + 1))

    x, again, calm = (
        denoise(oracle(scheduler), noise, scheduler, 200, eta=eta, step_noise=step_noise) for eta in (1.0, 1.0, 0.0)
    )
    assert abs(x.mean() - MEAN) < 0.05 and abs(x.std() - STD) < 0.05
    torch.testing.assert_close(x, again)
    assert asked[:200] == list(range(200)) and (x - calm).abs().max() > 0.1


def test_known_latents_are_held_to_the_last_bit() -> None:
    scheduler = trained()
    known, mask = torch.randn(8, 4), torch.zeros(8, 4)
    mask[:, :2] = 1
    x = denoise(oracle(scheduler), torch.randn(8, 4), scheduler, 5, known=(known, mask))
    torch.testing.assert_close(x[:, 2:], known[:, 2:], rtol=0, atol=0)


def test_the_scheduler_that_was_given_is_not_changed() -> None:
    scheduler = make_scheduler("dpm++", trained())
    before = dict(vars(scheduler))
    denoise(oracle(trained()), torch.randn(4, 1), scheduler, 5)
    assert vars(scheduler).keys() == before.keys()
    assert scheduler.num_inference_steps == before["num_inference_steps"]


def test_flow_matching_reaches_the_gaussian_too() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()

    def flow(x: Tensor, t: Tensor) -> Tensor:
        sigma = t / 1000
        clean = MEAN + (1 - sigma) * STD**2 * (x - (1 - sigma) * MEAN) / ((1 - sigma) ** 2 * STD**2 + sigma**2)
        return (x - clean) / sigma

    x = denoise(flow, torch.randn(4000, 1, generator=torch.Generator().manual_seed(0)), scheduler, 100)
    assert abs(x.mean() - MEAN) < 0.05 and abs(x.std() - STD) < 0.05


def test_what_a_corrector_gives_is_what_is_stepped_from() -> None:
    scheduler, seen = trained(), []

    def corrector(x: Tensor, t: Tensor) -> Tensor:
        seen.append(int(t))
        return torch.full_like(x, 0.25)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        assert (x == 0.25).all()
        return oracle(scheduler)(x, t)

    x = denoise(predict, torch.randn(4, 1), scheduler, 4, corrector=corrector)
    assert seen == [999, 749, 499, 249] and (x == x[0]).all()


def test_guidance() -> None:
    calls: list[str] = []

    def predict(x: Tensor, t: Tensor, cond: str) -> Tensor:
        calls.append(cond)
        return torch.full_like(x, {"yes": 3.0, "no": 1.0}[cond])

    x, t = torch.zeros(2), torch.tensor(0)
    assert apply_guidance(predict, "yes", "no", 1.0)(x, t).tolist() == [3.0, 3.0]
    assert calls == ["yes"]
    assert apply_guidance(predict, "yes", "no", 2.5)(x, t).tolist() == [6.0, 6.0]
    with pytest.raises(ConfigError, match="at least 0"):
        apply_guidance(predict, "yes", "no", -1.0)


def test_numbers_and_names_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_inference_steps"):
        denoise(oracle(trained()), torch.randn(1, 1), trained(), 0)
    with pytest.raises(ConfigError, match="strength"):
        denoise(oracle(trained()), torch.randn(1, 1), trained(), 4, strength=0.5)
    with pytest.raises(ConfigError, match="no scheduler 'magic'; there are ddim"):
        make_scheduler("magic", trained())
    assert make_scheduler("EulerDiscreteScheduler", trained())
    assert "unipc" in NAMES
