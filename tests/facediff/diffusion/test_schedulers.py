import diffusers
import pytest
import torch

from facediff.diffusion.sampler import denoise
from facediff.diffusion.schedulers import NAMES, make_scheduler
from facediff.errors import ConfigError
from facediff.models.difftalk import base_schedule
from facediff.options import TalkOptions, options_of

MEAN, STD = 3.0, 0.5


def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The exact velocity of data drawn from N(MEAN, STD²); between timesteps, where some schedulers look, linear."""
    alphas, low = base_schedule().alphas_cumprod, int(t)
    a = torch.lerp(alphas[low], alphas[min(low + 1, 999)], float(t) - low)
    alpha, sigma = a.sqrt(), (1 - a).sqrt()
    clean = MEAN + alpha * STD**2 * (x - alpha * MEAN) / (a * STD**2 + sigma**2)
    return alpha * (x - alpha * clean) / sigma - sigma * clean


def test_the_page_offers_all_of_them() -> None:
    assert options_of(TalkOptions)["scheduler"].opt.examples == tuple(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_schedule_of_training_is_kept(name: str) -> None:
    trained = base_schedule()
    scheduler = make_scheduler(name, trained)
    assert type(scheduler).__name__ == NAMES[name]
    assert scheduler.config.prediction_type == "v_prediction"
    # Some schedulers of diffusers know no terminal noise, which moves the levels a little.
    torch.testing.assert_close(scheduler.alphas_cumprod, trained.alphas_cumprod, atol=0.01, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_few_steps_from_pure_noise_end_near_the_mean(name: str) -> None:
    noise = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    x = denoise(predict, noise, make_scheduler(name, base_schedule()), 20, generator=torch.Generator().manual_seed(1))
    assert abs(x.mean() - MEAN) < 0.2
    assert 0.2 < x.std() < 0.7


def test_names_in_any_case_classes_and_configs_all_do() -> None:
    trained = base_schedule()
    for name in ("DPM++", "dpm++", "DPMSolverMultistepScheduler"):
        assert isinstance(make_scheduler(name, trained), diffusers.DPMSolverMultistepScheduler)
    made, of_config = make_scheduler("euler", trained), make_scheduler("euler", dict(trained.config))
    assert dict(made.config) == dict(of_config.config)
    assert make_scheduler("ddim", trained) is not trained


@pytest.mark.parametrize("name", ["magic", "", "UNet2DConditionModel", "SchedulerMixin", "__version__"])
def test_what_is_no_scheduler_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"no scheduler '{name}'; there are ddim, ddpm, .*unipc"):
        make_scheduler(name, base_schedule())


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler"])
def test_schedulers_of_another_kind_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="does not know the noise levels"):
        make_scheduler(name, base_schedule())
