"""A tiny model of a domain before a tiny prior, on mouth windows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.captions import CaptionEncoder
from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.sampler import denoise
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.landmarks.alignment import MOUTH
from facediff.models.space_time import small_space_time
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.loading import load_prior, load_talk
from facediff.pipelines.video_adapter import Mix

pytestmark = pytest.mark.usefixtures("one_thread")
FRAMES, STEPS = 3, 2
WIDTH, HEIGHT = MOUTH.size


@pytest.fixture(scope="module")
def painting(tiny_model) -> DiffTalkPipeline:
    return load_talk(tiny_model, "cpu")[1].to(torch.float32)  # whatever this CPU is fast with


@pytest.fixture(scope="module")
def pipeline(tiny_model, painting) -> AdaptedTalkPipeline:
    """Its small model knows two words and, as the prior, other frames."""
    prior, prior_words = load_prior(tiny_model, painting)
    torch.manual_seed(3)
    small, words = small_space_time(4, 8 + painting.conditioner.extra_channels).eval(), CaptionEncoder(["man", "shy"])
    for name, weight in small.named_parameters():
        if name.endswith("proj_out.weight"):
            torch.nn.init.normal_(weight, std=0.3)
    torch.nn.init.normal_(words.words)
    made = AdaptedTalkPipeline(
        painting.codec, prior, painting.conditioner, painting.scheduler, small, words, prior_words
    )
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def cond(painting) -> Conditioning:
    g = torch.Generator().manual_seed(1)
    mask = torch.zeros(FRAMES, 1, HEIGHT, WIDTH)
    mask[..., 40:100, 40:120] = 1
    return painting.condition(
        torch.rand(FRAMES, 3, HEIGHT, WIDTH, generator=g) * 2 - 1,
        torch.rand(FRAMES, 3, HEIGHT, WIDTH, generator=g) * 2 - 1,
        mask,
        torch.rand(FRAMES, 2, HEIGHT // 2, WIDTH // 2, generator=g),
        torch.randn(FRAMES, 478, 3, generator=g),
        torch.eye(3).expand(FRAMES, 3, 3),
        torch.randn(FRAMES, 32, 80, generator=g),
    )[0]


@pytest.fixture(scope="module")
def noise(painting) -> Tensor:
    return painting.noise(MOUTH.size, 4)


def run(pipeline: AdaptedTalkPipeline, cond: Conditioning, noise: Tensor, strength: float, caption: str = "", **more):
    given = {"num_inference_steps": STEPS, "decode": False, **more}
    return pipeline.with_mix(Mix(strength=strength), caption)(cond, noise, **given).latents


@torch.inference_mode()
def alone(pipeline, unet, cond: Conditioning, noise: Tensor, said: Tensor | float = 0.0, guidance: float = 1.0):
    """One of the two networks by itself, by no code of the pipeline; the frames are one clip."""

    def predict(x: Tensor, t: Tensor, c: Conditioning) -> Tensor:
        seen = torch.cat([x, c.concat], dim=1).transpose(0, 1)[None]
        return unet(seen, t, c.tokens + said, return_dict=False)[0][0].transpose(0, 1)

    guided = apply_guidance(predict, cond, pipeline.conditioner.drop_sound(cond), guidance)
    return cond.latents(denoise(guided, noise.expand(FRAMES, -1, -1, -1), pipeline.scheduler, STEPS))


def test_windows_come_out_as_they_went_in(pipeline, cond, noise) -> None:
    steps = []
    out = pipeline(cond, noise, num_inference_steps=STEPS, callback=lambda i, t, x: steps.append(i))
    assert out.images.shape == (FRAMES, 3, HEIGHT, WIDTH) and out.latents.shape == (FRAMES, 4, 16, 20)
    assert steps == [0, 1]
    assert pipeline(cond, noise, num_inference_steps=1, decode=False).images.numel() == 0


def test_without_strength_it_is_the_small_model_alone(pipeline, cond, noise) -> None:
    torch.testing.assert_close(run(pipeline, cond, noise, 0.0), alone(pipeline, pipeline.small, cond, noise))


def test_at_full_strength_it_is_the_prior_alone(pipeline, cond, noise) -> None:
    wanted = alone(pipeline, pipeline.unet, cond, noise)
    torch.testing.assert_close(run(pipeline, cond, noise, 1.0), wanted, rtol=1e-3, atol=1e-3)


def test_in_between_both_have_a_say(pipeline, cond, noise) -> None:
    """In one step predictions are mixed by their shares, and what is predicted is linear in them."""
    small, mixed, prior = (run(pipeline, cond, noise, s, num_inference_steps=1) for s in (0.0, 0.25, 1.0))
    torch.testing.assert_close(mixed, 0.75 * small + 0.25 * prior, rtol=1e-3, atol=1e-3)
    assert (small - prior).abs().max() > 0.05


def test_guidance_pulls_away_from_silence(pipeline, cond, noise) -> None:
    guided = run(pipeline, cond, noise, 0.0, guidance_scale=3.0)
    torch.testing.assert_close(guided, alone(pipeline, pipeline.small, cond, noise, guidance=3.0))
    assert (guided - run(pipeline, cond, noise, 0.0)).abs().max() > 1e-3
    both, plain = (run(pipeline, cond, noise, 0.5, guidance_scale=scale) for scale in (3.0, 1.0))
    assert both.isfinite().all() and (both - plain).abs().max() > 1e-3


def test_what_is_said_moves_those_who_know_the_words(pipeline, cond, noise) -> None:
    def moved(strength: float, caption: str) -> float:
        return float((run(pipeline, cond, noise, strength, caption) - run(pipeline, cond, noise, strength)).abs().max())

    assert moved(0.0, "shy") > 1e-3 and moved(0.0, "woman") == 0
    assert moved(1.0, "woman") > 1e-3 and moved(1.0, "shy") < 1e-3
    assert moved(0.0, "man") > 1e-3 and moved(1.0, "man") > 1e-3
    said = pipeline.captions(pipeline.captions.bag(["shy"]))
    wanted = alone(pipeline, pipeline.small, cond, noise, said)
    torch.testing.assert_close(run(pipeline, cond, noise, 0.0, "a shy one"), wanted)


def test_frames_are_one_clip(pipeline, cond, noise) -> None:
    """Two of its frames alone are painted otherwise than among three."""
    for strength in (0.0, 1.0):
        whole, part = run(pipeline, cond, noise, strength), run(pipeline, cond[:2], noise, strength)
        assert (whole[:2] - part).abs().max() > 1e-4


def test_words_that_nobody_knows_are_refused_with_those_that_are_known(pipeline) -> None:
    with pytest.raises(ConfigError, match="knows no word of 'a green dog'; it knows man, old, shy, woman"):
        pipeline.with_mix(Mix(), "a green dog")
    assert pipeline.with_mix(Mix(), "a green man").caption == "a green man"


def test_a_model_without_captions_says_so(painting, pipeline) -> None:
    mute = AdaptedTalkPipeline(
        painting.codec, pipeline.unet, painting.conditioner, painting.scheduler, pipeline.small, CaptionEncoder(),
        CaptionEncoder(),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="knows no word of 'old'; it was trained without captions"):
        mute.with_mix(Mix(), "old")
    assert mute.with_mix(Mix(), "").caption == ""


def test_another_mix_is_another_pipeline_of_the_same_networks(pipeline) -> None:
    before = pipeline.mix
    other = pipeline.with_mix(Mix(strength=0.9), "old")
    assert (pipeline.mix, pipeline.caption) == (before, "")
    assert (other.mix.strength, other.caption) == (0.9, "old")
    assert other.small is pipeline.small and other.unet is pipeline.unet


def test_what_does_not_go_together_is_refused(painting, pipeline) -> None:
    with pytest.raises(ConfigError, match="the small model has 6 latent channels and the prior has 4"):
        AdaptedTalkPipeline(
            painting.codec, pipeline.unet, painting.conditioner, painting.scheduler, small_space_time(6, 45),
            pipeline.captions, pipeline.prior_captions,
        )  # fmt: skip


def test_a_guider_takes_the_place_of_the_mix(pipeline, cond, noise) -> None:
    guider = ScoreCompositionGuidance(2.0, 0.4)
    made = pipeline(cond, noise, num_inference_steps=STEPS, decode=False, guider=guider).latents
    mixed = run(pipeline, cond, noise, 0.4, guidance_scale=2.0)
    torch.testing.assert_close(made, mixed, rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="guidance_scale or a guider, not both"):
        pipeline(cond, noise, guidance_scale=2.0, guider=guider)
