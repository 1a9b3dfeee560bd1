"""The pipeline around tiny networks of the real classes."""

from __future__ import annotations

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.prediction import from_epsilon, to_epsilon
from facediff.diffusion.sampler import denoise
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.diffusion.strength import limit_levels, piecewise_linear
from facediff.errors import ConfigError
from facediff.pipelines.video_adapter import Mix, VideoAdapterPipeline
from facediff.pipelines.video_denoisers import ClipCondition

from .clip_models import (
    CHANNELS,
    CLIP,
    DIM,
    FRAMES,
    SIDE,
    TOKENS,
    animatediff,
    codec,
    flow,
    schedule,
    text_to_video,
    wan,
)

PRIORS = {"animatediff": (lambda: animatediff(5), None), "text-to-video": (text_to_video, None),
          "text-to-video, v": (text_to_video, lambda: schedule("v_prediction")), "wan": (wan, flow)}  # fmt: skip


def made(prior=text_to_video, scheduler=None, prior_scheduler=None, **changes) -> VideoAdapterPipeline:
    pipeline = VideoAdapterPipeline(
        animatediff(), prior(), scheduler or schedule(), prior_scheduler, codec(), clip=CLIP, **changes
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def tokens(seed: int) -> ClipCondition:
    return ClipCondition(torch.randn(1, TOKENS, DIM, generator=torch.Generator().manual_seed(seed)))


COND, NULL, PRIOR_COND, PRIOR_NULL = (tokens(seed) for seed in range(4))
NOISE = torch.randn(1, CHANNELS, FRAMES, SIDE, SIDE, generator=torch.Generator().manual_seed(9))


def run(pipeline: VideoAdapterPipeline, mix: Mix, **changes) -> Tensor:
    given = {"num_inference_steps": 3, "latents": NOISE, "decode": False, **changes}
    return pipeline(COND, NULL, PRIOR_COND, PRIOR_NULL, mix=mix, **given).latents


@torch.inference_mode()
def alone(pipeline: VideoAdapterPipeline, guidance: float) -> Tensor:
    """The small model by itself, by no code of the pipeline."""
    spread = [ClipCondition(c.tokens.repeat_interleave(FRAMES, dim=0)) for c in (COND, NULL)]
    guided = apply_guidance(
        lambda x, t, c: pipeline.small(x, t, c.tokens, return_dict=False)[0], spread[0], spread[1], guidance
    )
    return denoise(guided, NOISE, pipeline.scheduler, 3)


def count_calls(pipeline: VideoAdapterPipeline, monkeypatch) -> list[int]:
    asked: list[int] = []
    forward = pipeline.prior.forward

    def counting(x: Tensor, t: Tensor, *rest, **more):
        asked.append(int(t.flatten()[0]))
        return forward(x, t, *rest, **more)

    monkeypatch.setattr(pipeline.prior, "forward", counting)
    return asked


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("form", ["product", "normalised"])
def test_every_class_of_prior_has_a_say(form: str, name: str) -> None:
    prior, trained = PRIORS[name]
    pipeline = made(prior, prior_scheduler=trained and trained())
    out = pipeline(COND, NULL, PRIOR_COND, PRIOR_NULL, mix=Mix(0.5, 1.5, form), num_inference_steps=2, latents=NOISE)
    assert out.videos.shape == (1, 3, CLIP.frames, CLIP.height, CLIP.width) and out.videos.isfinite().all()
    without = pipeline(COND, NULL, mix=Mix(0.0, 1.5, form), num_inference_steps=2, latents=NOISE).latents
    assert (out.latents - without).abs().max() > 1e-3


@pytest.mark.parametrize("scheduler", [schedule(), schedule("v_prediction", rescale_betas_zero_snr=True), flow()],
                         ids=["epsilon", "v", "flow"])  # fmt: skip
@pytest.mark.parametrize("form", ["product", "normalised"])
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_without_strength_it_is_the_small_model_alone_bit_for_bit(form, guidance, scheduler, monkeypatch) -> None:
    pipeline = made(scheduler=scheduler)
    asked = count_calls(pipeline, monkeypatch)
    result = run(pipeline, Mix(0.0, guidance, form))
    torch.testing.assert_close(result, alone(pipeline, guidance), rtol=0, atol=0)
    assert asked == []


def test_equal_generators_give_equal_clips_and_others_others() -> None:
    pipeline = made()

    def clip(seed: int) -> Tensor:
        given = {"num_inference_steps": 2, "eta": 1.0, "generator": torch.Generator().manual_seed(seed)}
        return pipeline(COND, mix=Mix(0.4, refining_steps=1), **given).videos

    torch.testing.assert_close(clip(0), clip(0), rtol=0, atol=0)
    assert (clip(0) - clip(1)).abs().max() > 1e-3


def test_it_is_kept_and_comes_back(tmp_path) -> None:
    pipeline = made(wan, prior_scheduler=flow(), prior_codec=codec(), prior_clip=CLIP)
    pipeline.save_pretrained(tmp_path)
    again = VideoAdapterPipeline.from_pretrained(tmp_path)
    again.set_progress_bar_config(disable=True)
    assert again.clip == CLIP and again.config["prior_clip"]["fps"] == 25
    torch.testing.assert_close(run(again, Mix(0.5, 1.5)), run(pipeline, Mix(0.5, 1.5)))


def test_without_the_optional_parts_it_is_kept_and_comes_back_too(tmp_path) -> None:
    pipeline = VideoAdapterPipeline(animatediff(), text_to_video(), schedule())
    pipeline.save_pretrained(tmp_path)
    again = VideoAdapterPipeline.from_pretrained(tmp_path)
    assert (again.codec, again.prior_scheduler, again.clip) == (None, None, None)
    result = again(COND, num_inference_steps=2, latents=NOISE)
    assert result.videos.numel() == 0 and result.latents.shape == NOISE.shape
    with pytest.raises(ConfigError, match="give the latents to start from"):
        again(COND)


def test_a_pipeline_of_two_that_do_not_go_together_is_refused() -> None:
    with pytest.raises(ConfigError, match="the small model has 4 latent channels and the prior has 8"):
        made(lambda: text_to_video(channels=8))


@pytest.mark.parametrize("host", ["epsilon", "v_prediction", "flow"])
@pytest.mark.parametrize("form", ["product", "normalised"])
def test_a_prior_says_the_same_in_whatever_kind_it_predicts(form, host, monkeypatch) -> None:
    """One noise, told by the prior as noise, velocity, sample or flow, in its schedule's own latents and timesteps."""
    steps = flow() if host == "flow" else schedule(host)
    diffusion, results = schedule(), []
    for kind in ("epsilon", "v_prediction", "sample", "flow"):
        pipeline = made(scheduler=steps, prior_scheduler=flow() if kind == "flow" else schedule(kind))

        def forward(x: Tensor, t: Tensor, cond: Tensor, return_dict: bool, kind: str = kind) -> tuple[Tensor]:
            if kind == "flow":
                signal, noise = 1 - t / 1000, t / 1000
            else:
                low = diffusion.alphas_cumprod[t.floor().long()]
                signal, noise = low.sqrt(), (1 - low).sqrt()
            x, alpha = x / (signal**2 + noise**2) ** 0.5, signal**2 / (signal**2 + noise**2)
            said = "flow_prediction" if kind == "flow" else kind
            return (from_epsilon(torch.tanh(x) + cond.mean(), x, alpha, said),)

        monkeypatch.setattr(pipeline.prior, "forward", forward)
        # the flow of pure noise cannot be had from the noise; above level 0.95 the prior has no say
        results.append(run(pipeline, Mix(limit_levels(0.4, 0.0, 0.95), 1.0, form), num_inference_steps=4))
    tolerance = 0.02 if host == "flow" else 1e-3  # between whole timesteps the stand-in takes the one below
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=tolerance, atol=tolerance)
    assert (results[0] - run(pipeline, Mix(0.0))).abs().max() > 0.05


@torch.inference_mode()
def test_the_product_is_the_papers_sum_of_noises_for_a_small_model_of_velocities() -> None:
    pipeline = made(scheduler=schedule("v_prediction"))
    spread = [c.tokens.repeat_interleave(FRAMES, dim=0) for c in (COND, NULL)]

    def summed(x: Tensor, t: Tensor) -> Tensor:
        alpha = pipeline.scheduler.alphas_cumprod[t]
        own, base = (to_epsilon(pipeline.small(x, t, c).sample, x, alpha, "v_prediction") for c in spread)
        other = to_epsilon(pipeline.prior(x, t, PRIOR_COND.tokens).sample, x, alpha, "v_prediction")
        return from_epsilon((1 - 2.0) * base + 2.0 * own + 2.0 * 0.1 * other, x, alpha, "v_prediction")

    literal = denoise(summed, NOISE, pipeline.scheduler, 3)
    torch.testing.assert_close(run(pipeline, Mix(0.1, 2.0, "product")), literal, rtol=1e-3, atol=1e-3)


def test_in_the_inverse_form_the_roles_are_swapped() -> None:
    pipeline = made(lambda: animatediff(7))
    swapped = VideoAdapterPipeline(pipeline.prior, pipeline.small, pipeline.scheduler)
    for form in ("product", "normalised"):
        there = run(pipeline, Mix(0.4, 2.0, form, inverse=True))
        given = {"num_inference_steps": 3, "latents": NOISE}
        back = swapped(PRIOR_COND, PRIOR_NULL, COND, NULL, mix=Mix(0.4, 2.0, form), **given).latents
        torch.testing.assert_close(there, back, rtol=0, atol=0)


def test_of_identical_models_without_strength_inverse_is_forward() -> None:
    pipeline = made(animatediff)
    one, other = (
        pipeline(
            COND, NULL, COND, NULL, mix=Mix(0.0, 2.0, inverse=inverse), num_inference_steps=2, latents=NOISE
        ).latents
        for inverse in (False, True)
    )
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_the_prior_is_called_where_it_has_a_say_and_as_often_as_it_must(monkeypatch) -> None:
    pipeline = made()
    asked = count_calls(pipeline, monkeypatch)
    run(pipeline, Mix(0.5, 1.0, "product"), num_inference_steps=10)
    assert asked == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]
    asked.clear()
    run(pipeline, Mix(limit_levels(0.5, 0.4, 1.0), 1.0, "product"), num_inference_steps=10)
    assert asked == [999, 899, 799, 699, 599, 499]
    asked.clear()
    run(
        pipeline, Mix(piecewise_linear([(0.4, 0.0), (1.0, 0.5)]), 1.0, "product", held_levels=3), num_inference_steps=10
    )
    assert asked == [999, 699]
    asked.clear()
    run(pipeline, Mix(0.5, held_levels=5), num_inference_steps=10)
    assert asked == [999, 999, 499, 499]  # with its condition and its null


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_what_is_held_is_near_what_is_asked_anew(kind) -> None:
    pipeline = made(prior_scheduler=schedule(kind))
    mixes = [Mix(0.5), Mix(0.5, held_levels=2), Mix(0.0)]
    fresh, old, without = (run(pipeline, mix, num_inference_steps=10) for mix in mixes)
    assert 0 < (old - fresh).abs().mean() < 0.25 * (without - fresh).abs().mean()


@pytest.mark.parametrize("scheduler", [schedule("v_prediction"), FlowMatchEulerDiscreteScheduler()],
                         ids=["diffusion", "flow"])  # fmt: skip
def test_refining_changes_samples_and_asks_at_every_step(scheduler, monkeypatch) -> None:
    pipeline = made(scheduler=scheduler)
    asked = count_calls(pipeline, monkeypatch)
    run(pipeline, Mix(0.4, refining_steps=2), generator=torch.Generator().manual_seed(0))
    assert len(asked) == 3 * (2 + 1) * 2  # steps, each with two to refine, with condition and null


@pytest.mark.parametrize("scheduler", [schedule("v_prediction"), FlowMatchEulerDiscreteScheduler()],
                         ids=["diffusion", "flow"])  # fmt: skip
def test_refined_samples_keep_the_gaussian_that_the_small_model_knows(scheduler, monkeypatch) -> None:
    """In few steps, with the exact prediction of N(2, 0.5²) in the scheduler's own latents and kind."""
    pipeline = made(scheduler=scheduler)
    kind = "v_prediction" if hasattr(scheduler, "alphas_cumprod") else "flow_prediction"

    def forward(x: Tensor, t: Tensor, cond: Tensor, return_dict: bool) -> tuple[Tensor]:
        if kind == "flow_prediction":
            signal, noise = 1 - t / 1000, t / 1000
        else:
            signal, noise = scheduler.alphas_cumprod[t].sqrt(), (1 - scheduler.alphas_cumprod[t]).sqrt()
        length = (signal**2 + noise**2).sqrt()
        eps = noise * (x - signal * 2) / (signal**2 * 0.25 + noise**2)
        return (from_epsilon(eps, x / length, (signal / length) ** 2, kind) if signal > 0 else x - 2.0,)

    monkeypatch.setattr(pipeline.small, "forward", forward)
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(64, CHANNELS, FRAMES, SIDE, SIDE, generator=g)
    made_of = run(pipeline, Mix(0.0, refining_steps=10), latents=noise, num_inference_steps=40, generator=g)
    assert made_of.mean() == pytest.approx(2.0, abs=0.03) and made_of.std() == pytest.approx(0.5, abs=0.05)


def test_a_prior_in_half_precision_serves_a_small_model_in_full() -> None:
    full, half = made(), made()
    half.prior.to(torch.bfloat16)
    results = [run(pipeline, Mix(0.3, 1.5)) for pipeline in (full, half)]
    assert results[1].dtype == torch.float32
    assert 0 < (results[0] - results[1]).abs().max() < 0.1


def test_maps_are_seen_beside_the_latents() -> None:
    pipeline = VideoAdapterPipeline(animatediff(channels=CHANNELS), text_to_video(), schedule())
    wider = animatediff()
    wider.conv_in = torch.nn.Conv2d(CHANNELS + 2, 8, 3, padding=1)
    pipeline.small = wider
    results = [
        pipeline(
            ClipCondition(COND.tokens, torch.full((1, 2, FRAMES, SIDE, SIDE), value)), prior_cond=COND, latents=NOISE,
            num_inference_steps=2,
        ).latents
        for value in (0.0, 1.0)
    ]  # fmt: skip
    assert (results[0] - results[1]).abs().max() > 1e-3


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="one of the forms product, normalised, not 'sum'"):
        Mix(form="sum")
    with pytest.raises(ConfigError, match="hold its output, or refine"):
        Mix(held_levels=2, refining_steps=1)
    with pytest.raises(ConfigError, match="a guidance of 2 needs a null condition"):
        made()(COND, mix=Mix(0.1, 2.0), latents=NOISE, num_inference_steps=1)
    with pytest.raises(ConfigError, match="refining needs one of DDIMScheduler"):
        run(made(scheduler=DPMSolverMultistepScheduler.from_config(schedule().config)), Mix(refining_steps=1))
    with pytest.raises(ConfigError, match="take the normalised form"):
        run(made(scheduler=schedule("v_prediction", rescale_betas_zero_snr=True)), Mix(0.1, 1.0, "product"))


@pytest.mark.parametrize("form", ["product", "normalised"])
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_guider_composes_as_a_mix_does(form: str, guidance: float) -> None:
    pipeline = made(lambda: animatediff(5))
    for null in (PRIOR_NULL, None):
        given = {"num_inference_steps": 3, "latents": NOISE, "decode": False}
        conds = COND, NULL, PRIOR_COND, null
        mixed = pipeline(*conds, mix=Mix(0.4, guidance, form), **given).latents
        guider = ScoreCompositionGuidance(guidance, 0.4, form)
        torch.testing.assert_close(pipeline(*conds, guider=guider, **given).latents, mixed, rtol=1e-4, atol=1e-4)
        assert guider.prior is None


def test_a_guider_is_refused_where_it_cannot_compose() -> None:
    with pytest.raises(ConfigError, match="a mix or a guider, not both"):
        run(made(), Mix(), guider=ScoreCompositionGuidance())
    converting = made(text_to_video, prior_scheduler=schedule("v_prediction"))
    with pytest.raises(ConfigError, match="same schedule and kind of prediction; give a mix, which converts"):
        converting(COND, NULL, guider=ScoreCompositionGuidance(), latents=NOISE)
