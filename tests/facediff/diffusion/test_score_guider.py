"""The guider in the loop that modular pipelines run, against the function."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import WanTransformer3DModel
from diffusers.modular_pipelines.modular_pipeline import BlockState
from diffusers.modular_pipelines.wan.denoise import WanLoopDenoiser
from torch import Tensor, nn

from facediff.diffusion.score_composition import Expert, compose_normalised, compose_product
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.diffusion.strength import piecewise_linear
from facediff.errors import ConfigError

FADING = [(0.3, 0.0), (1.0, 0.5)]


class Denoiser(nn.Module):
    """Something of x, t and a condition; remembers how often it was asked."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.mix, self.calls = nn.Linear(4, 4), 0

    def forward(self, x: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> tuple[Tensor]:
        self.calls += 1
        return (torch.tanh(self.mix(x)) * (1 + timestep / 1000) + encoder_hidden_states,)


@pytest.fixture
def small() -> Denoiser:
    return Denoiser(0)


@pytest.fixture
def prior() -> Denoiser:
    return Denoiser(1)


@pytest.fixture
def conds() -> list[Tensor]:
    return list(torch.randn(4, 2, 4, generator=torch.Generator().manual_seed(2)))


def modular_step(guider, denoiser, x, t, i, steps, conds, names: bool = False) -> Tensor:
    """As the denoising blocks of diffusers' modular pipelines do it."""
    guider.set_state(step=i, num_inference_steps=steps, timestep=t)
    if names:
        fields = [f"cond_{k}" for k in range(len(conds))]
        block = BlockState(**dict(zip(fields, conds, strict=True)))
        states = guider.prepare_inputs_from_block_state(block, {"encoder_hidden_states": tuple(fields)})
    else:
        states = guider.prepare_inputs({"encoder_hidden_states": tuple(conds)})
    for state in states:
        guider.prepare_models(denoiser)
        state.noise_pred = denoiser(x, timestep=t, encoder_hidden_states=state.encoder_hidden_states)[0]
        guider.cleanup_models(denoiser)
    return guider(states)[0]


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("guidance", [1.0, 2.5])
@pytest.mark.parametrize("form", ["product", "normalised"])
@torch.no_grad()
def test_it_gives_what_the_function_gives(form, guidance, names, small, prior, conds) -> None:
    guider = ScoreCompositionGuidance(guidance, FADING, form)
    guider.prior = prior
    strength = piecewise_linear(FADING)
    compose = {"product": compose_product, "normalised": compose_normalised}[form]
    host = Expert(lambda x, t, c: small(x, t, c)[0], conds[0], conds[1], guidance)
    function = compose(host, [Expert(lambda x, t, c: prior(x, t, c)[0], conds[2], conds[3], strength)])
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(3))
    for i, t in enumerate(torch.tensor([999, 700, 400, 100])):
        counted = []
        for run in (lambda t=t, i=i: modular_step(guider, small, x, t, i, 4, conds, names), lambda t=t: function(x, t)):
            before = small.calls, prior.calls
            counted.append((run(), small.calls - before[0], prior.calls - before[1]))
        (theirs, *calls), (ours, *wanted) = counted
        torch.testing.assert_close(theirs, ours, rtol=0, atol=0)
        assert calls == wanted
    assert counted[-1][2] == 0  # level 0.1 lies below where the prior has faded


@torch.no_grad()
def test_in_a_block_of_diffusers_wan_pipeline_it_gives_the_same() -> None:
    def wan(seed: int) -> WanTransformer3DModel:
        torch.manual_seed(seed)
        return WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
            text_dim=8, freq_dim=16, ffn_dim=16, num_layers=1, rope_max_seq_len=32,
        ).eval()  # fmt: skip

    small, prior = wan(0), wan(1)
    guider = ScoreCompositionGuidance(2.0, 0.3)
    guider.prior = prior
    g = torch.Generator().manual_seed(0)
    x, cond, null = (torch.randn(shape, generator=g) for shape in ((1, 4, 2, 4, 4), (1, 3, 8), (1, 3, 8)))
    state = BlockState(
        num_inference_steps=4, prompt_embeds=cond, negative_prompt_embeds=null, latent_model_input=x,
        dtype=torch.float32, attention_kwargs=None,
    )  # fmt: skip
    t = torch.tensor(750)
    _, state = WanLoopDenoiser()(SimpleNamespace(guider=guider, transformer=small), state, 1, t)
    one, other = (
        lambda x, t, c, model=model: model(x, t[None].float(), c, return_dict=False)[0] for model in (small, prior)
    )
    wanted = compose_normalised(Expert(one, cond, null, 2.0), [Expert(other, cond, null, 0.3)])(x, t)
    torch.testing.assert_close(state.noise_pred, wanted)
    assert (wanted - compose_normalised(Expert(one, cond, null, 2.0), [])(x, t)).abs().max() > 1e-3


@torch.no_grad()
def test_a_pair_of_conditions_serves_both_models(small, prior, conds) -> None:
    x, t = torch.randn(2, 4), torch.tensor(500)
    made = []
    for given in (conds[:2], [*conds[:2], *conds[:2]]):
        guider = ScoreCompositionGuidance(2.0, 0.3)
        guider.prior = prior
        made.append(modular_step(guider, small, x, t, 0, 4, given))
    torch.testing.assert_close(made[0], made[1], rtol=0, atol=0)


@torch.no_grad()
def test_outside_of_start_and_stop_and_when_disabled_the_prior_is_not_asked(small, prior, conds) -> None:
    guider = ScoreCompositionGuidance(2.0, 0.3, start=0.25, stop=0.75)
    guider.prior = prior
    asked = []
    for i in range(4):
        before = prior.calls
        modular_step(guider, small, torch.zeros(2, 4), torch.tensor(999 - 250 * i), i, 4, conds)
        asked.append(prior.calls - before)
    assert asked == [0, 2, 2, 0]
    guider.disable()
    x = torch.randn(2, 4)
    plain = modular_step(guider, small, x, torch.tensor(500), 1, 4, conds)
    torch.testing.assert_close(plain, small(x, torch.tensor(500), conds[0])[0], rtol=0, atol=0)


@torch.no_grad()
def test_the_denoiser_is_left_as_it_was(small, prior, conds) -> None:
    x, t = torch.randn(2, 4), torch.tensor(500)
    before = small(x, t, conds[0])[0]
    guider = ScoreCompositionGuidance(2.0, 0.3)
    guider.prior = prior
    modular_step(guider, small, x, t, 0, 4, conds)
    torch.testing.assert_close(small(x, t, conds[0])[0], before, rtol=0, atol=0)
    assert list(small.state_dict()) == ["mix.weight", "mix.bias"]


@torch.no_grad()
def test_after_a_call_that_failed_it_goes_on(small, prior, conds) -> None:
    x, t = torch.randn(2, 4), torch.tensor(500)
    guider = ScoreCompositionGuidance(1.0, 0.3)
    guider.prior = prior
    wanted = modular_step(guider, small, x, t, 0, 4, conds)
    guider.set_state(0, 4, t)
    for _ in range(2):
        guider.prepare_models(small)  # and what asks the prior is never taken off
    torch.testing.assert_close(modular_step(guider, small, x, t, 0, 4, conds), wanted, rtol=0, atol=0)


def test_conditional_predictions_are_told_from_the_others(small, prior) -> None:
    guider = ScoreCompositionGuidance(2.0, 0.3)
    guider.prior = prior
    guider.set_state(0, 4, torch.tensor(999))
    told = []
    for _ in range(guider.num_conditions):
        guider.prepare_models(small)
        told.append(guider.is_conditional)
        guider.cleanup_models(small)
    assert told == [True, False, True, False]


def test_its_config_is_kept_and_comes_back(tmp_path) -> None:
    ScoreCompositionGuidance(1.5, FADING, "product", start=0.1).save_pretrained(tmp_path)
    again = ScoreCompositionGuidance.from_pretrained(tmp_path)
    assert (again.guidance_scale, again.form, again.config["start"]) == (1.5, "product", 0.1)
    again.set_state(0, 1, torch.tensor(650))
    assert again._weight() == pytest.approx(0.25)
    assert again.new(strength=0.0).num_conditions == 2


def test_what_makes_no_sense_is_refused(small) -> None:
    with pytest.raises(ConfigError, match="one of the forms product, normalised, not 'sum'"):
        ScoreCompositionGuidance(form="sum")
    with pytest.raises(ConfigError, match="guidance_scale must be at least 0"):
        ScoreCompositionGuidance(-1.0)
    guider = ScoreCompositionGuidance(1.0, 0.3)
    guider.prepare_models(small)
    with pytest.raises(ConfigError, match="no prior"):
        guider.prepare_models(small)
