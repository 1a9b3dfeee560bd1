import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

from facediff.diffusion.prediction import KINDS, convert, from_epsilon, to_epsilon, to_sample
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
        "flow_prediction": noise - clean,
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


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_becomes_each_other_and_comes_back(kind: str, wanted: str, drawn) -> None:
    there = convert(drawn[kind], drawn["noisy"], drawn["alpha"], kind, wanted)
    torch.testing.assert_close(there, drawn[wanted], rtol=1e-6, atol=1e-6)
    back = convert(there, drawn["noisy"], drawn["alpha"], wanted, kind)
    torch.testing.assert_close(back, drawn[kind], rtol=1e-6, atol=1e-6)


def test_its_own_kind_is_left_as_it_is(drawn) -> None:
    assert convert(drawn["noise"], drawn["noisy"], drawn["alpha"], "v_prediction", "v_prediction") is drawn["noise"]


def test_where_all_is_noise_what_knows_of_the_sample_still_converts(drawn) -> None:
    clean, noise, alpha = drawn["clean"], drawn["noise"], torch.zeros(1).double()
    told = {"sample": clean, "v_prediction": -clean, "flow_prediction": noise - clean}
    for kind, output in told.items():
        for wanted, right in {**told, "epsilon": noise}.items():
            torch.testing.assert_close(convert(output, noise, alpha, kind, wanted), right)


def test_clean_samples_are_those_of_diffusers_schedulers(drawn) -> None:
    for kind in ("epsilon", "sample", "v_prediction"):
        scheduler = DDIMScheduler(
            beta_schedule="linear", beta_start=1e-4, beta_end=0.02, prediction_type=kind, clip_sample=False
        )
        scheduler.set_timesteps(1000)
        for row, t in enumerate((3, 200, 700, 990)):
            given = drawn[kind][row].float(), drawn["noisy"][row].float()
            theirs = scheduler.step(given[0], t, given[1]).pred_original_sample
            ours = to_sample(*given, scheduler.alphas_cumprod[t], kind)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_flows_are_those_of_diffusers_flow_matching(drawn) -> None:
    """Its noisy sample is (1 - σ) c + σ n, so ours over √α + √(1 - α); a step to σ = 0 gives the clean sample."""
    clean, noise = drawn["clean"].float(), drawn["noise"].float()
    euler = FlowMatchEulerDiscreteScheduler()
    euler.set_timesteps(4)
    unipc = UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
    unipc.set_timesteps(4)
    t = euler.timesteps[-1]
    sigma = euler.sigmas[-2]
    alpha = (1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2)
    theirs = euler.scale_noise(clean, t.expand(len(clean)), noise)
    ours = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    torch.testing.assert_close(ours / (alpha.sqrt() + (1 - alpha).sqrt()), theirs, rtol=1e-4, atol=1e-4)
    flow = from_epsilon(noise, ours, alpha, "flow_prediction")
    euler.set_begin_index(3)
    torch.testing.assert_close(euler.step(flow, t, theirs).prev_sample, clean, rtol=1e-4, atol=1e-4)
    unipc._step_index = 2
    sigma = unipc.sigmas[2]
    x = (1 - sigma) * clean + sigma * noise
    torch.testing.assert_close(unipc.convert_model_output(flow, sample=x), clean, rtol=1e-4, atol=1e-4)


def test_an_unknown_kind_is_refused(drawn) -> None:
    with pytest.raises(ConfigError, match="prediction type"):
        to_epsilon(drawn["noise"], drawn["noisy"], drawn["alpha"], "flow")
