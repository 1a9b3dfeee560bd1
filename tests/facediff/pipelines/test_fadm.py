"""The pipeline around tiny networks of the real classes, as published and as embedded."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from diffusers.guiders import ClassifierFreeGuidance

from facediff.conditioning.fadm import FADMConditioner
from facediff.conditioning.fadm_paper import FADMPaperConditioner
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.models.fadm import paper_schedule
from facediff.pipelines.fadm import FADMPipeline

SIDE, FRAMES = 64, 3


@pytest.fixture
def base() -> FADMPipeline:
    torch.manual_seed(0)
    conditioner = FADMConditioner(latent_channels=4, gate_channels=8, condition_channels=6, dim=16)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=12 + conditioner.extra_channels, out_channels=4, block_out_channels=(8, 8),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    return quiet(FADMPipeline(unet, conditioner, base_schedule(), FaceCodec(4, 8, 8, (1, 1), (1, 1))))


@pytest.fixture
def paper() -> FADMPipeline:
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=SIDE, in_channels=6, out_channels=3, block_out_channels=(8, 8), layers_per_block=1,
        norm_num_groups=4, down_block_types=("DownBlock2D", "AttnDownBlock2D"), attention_head_dim=4,
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    return quiet(FADMPipeline(unet, FADMPaperConditioner(), paper_schedule()))


def quiet(pipeline: FADMPipeline) -> FADMPipeline:
    for part in (pipeline.codec, pipeline.unet, pipeline.conditioner):
        if part is not None:
            part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def given(frames: int = FRAMES, attributes: int = 31) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return {
        "coarse": torch.rand(frames, 3, SIDE, SIDE, generator=g) * 2 - 1,
        "mask": torch.ones(frames, 1, SIDE, SIDE),
        "maps": torch.rand(frames, 4, SIDE // 4, SIDE // 4, generator=g),
        "points": torch.randn(frames, 478, 3, generator=g),
        "rotation": torch.eye(3).expand(frames, 3, 3),
        "attributes": torch.zeros(frames, attributes),
    }


@pytest.mark.parametrize(("kind", "attributes"), [("base", 31), ("paper", 56)])
def test_faces_come_out_as_they_went_in(kind: str, attributes: int, request) -> None:
    pipeline = request.getfixturevalue(kind)
    cond = pipeline.condition(**given(attributes=attributes))
    steps = []
    out = pipeline(
        cond, pipeline.noise((SIDE, SIDE), 0), num_inference_steps=3, callback=lambda i, t, x: steps.append(i)
    )
    assert out.images.shape == (FRAMES, 3, SIDE, SIDE)
    assert steps == [0, 1, 2]


@pytest.mark.parametrize(("kind", "attributes"), [("base", 31), ("paper", 56)])
def test_equal_coarse_frames_give_equal_results_under_fresh_noise_at_each_step(kind, attributes, request) -> None:
    """One noise per video, that of the steps included (FADM, section 3.4)."""
    pipeline = request.getfixturevalue(kind)
    inputs = {name: value[:1].expand(FRAMES, *value.shape[1:]) for name, value in given(attributes=attributes).items()}
    cond, noise = pipeline.condition(**inputs), pipeline.noise((SIDE, SIDE), 0)
    made = [
        pipeline(cond, noise, num_inference_steps=3, eta=eta, seed=seed).latents
        for eta, seed in ((1, 0), (1, 5), (0, 0))
    ]
    for latents in made:
        assert (latents - latents[:1]).abs().max() < 1e-4 * latents.abs().max()  # threads add in orders of their own
    assert (made[0] - made[1]).abs().max() > 1e-3 and (made[0] - made[2]).abs().max() > 1e-3


def test_from_the_noised_coarse_frame_fewer_levels_are_run_through(base) -> None:
    cond, noise = base.condition(**given()), base.noise((SIDE, SIDE), 0)
    seen: list[int] = []
    base(cond, noise, num_inference_steps=4, strength=0.5, callback=lambda i, t, x: seen.append(t))
    assert seen == [499, 249]


def test_a_denoiser_that_sees_nothing_to_repair_leaves_the_coarse_frame(base, monkeypatch) -> None:
    """The velocity of a residual of nothing is the noise, scaled; so the coarse latents come out."""
    cond, noise = base.condition(**given()), base.noise((SIDE, SIDE), 0)
    alphas = base.scheduler.alphas_cumprod

    def velocity(x, t, tokens, return_dict):
        a = alphas[t]
        return ((x[:, :4] / (1 - a).sqrt()) * a.sqrt(),)

    monkeypatch.setattr(base.unet, "forward", velocity)
    out = base(cond, noise, num_inference_steps=2)
    torch.testing.assert_close(out.latents, cond.coarse, atol=1e-4, rtol=1e-4)


def test_it_is_kept_and_comes_back(base, paper, tmp_path) -> None:
    for name, pipeline, attributes in (("base", base, 31), ("paper", paper, 56)):
        pipeline.save_pretrained(tmp_path / name)
        cond = pipeline.condition(**given(attributes=attributes))
        assert (tmp_path / name / "model_index.json").is_file()
        noise = pipeline.noise((SIDE, SIDE), 0)
        unet = type(pipeline.unet).from_pretrained(tmp_path / name / "unet").eval()
        again = FADMPipeline(unet, pipeline.conditioner, pipeline.scheduler, pipeline.codec)
        one, other = (p(cond, noise, num_inference_steps=1).latents for p in (pipeline, quiet(again)))
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("kind", "attributes"), [("base", 31), ("paper", 56)])
def test_another_denoiser_is_composed_with_its_own_by_a_guider(kind, attributes, request) -> None:
    """Without a negative condition each has its share, and one step is linear in what is predicted."""
    pipeline = request.getfixturevalue(kind)
    cond, noise = pipeline.condition(**given(attributes=attributes)), pipeline.noise((SIDE, SIDE), 0)
    prior = copy.deepcopy(pipeline.unet)
    for weight in prior.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    other = FADMPipeline(prior, pipeline.conditioner, pipeline.scheduler, pipeline.codec)

    def run(pipe, steps: int = 1, **more) -> torch.Tensor:
        return pipe(cond, noise, num_inference_steps=steps, decode=False, **more).latents

    guider = ScoreCompositionGuidance(guidance_scale=1.0, strength=0.25)
    guider.prior = prior
    made = run(pipeline, guider=guider)
    torch.testing.assert_close(made, 0.75 * run(pipeline) + 0.25 * run(other), rtol=1e-4, atol=1e-4)
    nothing = guider.new(strength=0.0)
    torch.testing.assert_close(run(pipeline, 3, guider=nothing), run(pipeline, 3), rtol=0, atol=0)
    with pytest.raises(ConfigError, match="needs a negative condition"):
        run(pipeline, guider=guider.new(guidance_scale=2.0))
    still = pipeline.condition(**{**given(attributes=attributes), "attributes": torch.ones(FRAMES, attributes)})
    pulled = run(pipeline, guider=ClassifierFreeGuidance(2.0), null=still)
    null = pipeline(still, noise, num_inference_steps=1, decode=False).latents
    assert (pulled - run(pipeline)).abs().max() > 1e-4 and (null - run(pipeline)).abs().max() > 1e-4
