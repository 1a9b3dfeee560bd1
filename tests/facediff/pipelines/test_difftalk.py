"""The pipeline around tiny networks of the real classes, as published and as embedded."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel, VQModel
from diffusers.guiders import ClassifierFreeGuidance

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.difftalk_paper import DiffTalkPaperConditioner
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.models import latents as space
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule, paper_schedule
from facediff.models.inflation import inflate
from facediff.pipelines.difftalk import DiffTalkPipeline

HEIGHT, WIDTH, FRAMES = 64, 80, 3


def unet(latent_channels: int, extra: int, dim: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8, in_channels=3 * latent_channels + extra, out_channels=latent_channels,
        block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4, cross_attention_dim=dim,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
    )  # fmt: skip


@pytest.fixture
def base() -> DiffTalkPipeline:
    torch.manual_seed(0)
    conditioner = DiffTalkConditioner(feature_dim=6, audio_columns=8, dim=16)
    pipeline = DiffTalkPipeline(
        FaceCodec(4, 8, 8, (1, 1), (1, 1)), unet(4, conditioner.extra_channels, 16), conditioner, base_schedule()
    )
    return quiet(pipeline)


@pytest.fixture
def paper() -> DiffTalkPipeline:
    torch.manual_seed(0)
    codec = VQModel(
        block_out_channels=(8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 3, norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 3, latent_channels=3, num_vq_embeddings=16, scaling_factor=1.0,
    )  # fmt: skip
    conditioner = DiffTalkPaperConditioner(feature_dim=5)
    return quiet(DiffTalkPipeline(codec, unet(3, 0, 128), conditioner, paper_schedule()))


def quiet(pipeline: DiffTalkPipeline) -> DiffTalkPipeline:
    for part in (pipeline.codec, pipeline.unet, pipeline.conditioner):
        part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def given(pipeline: DiffTalkPipeline, frames: int = FRAMES) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    config = pipeline.conditioner.config
    mask = torch.zeros(frames, 1, HEIGHT, WIDTH)
    mask[..., 16:48, 24:56] = 1
    return {
        "frames": torch.rand(frames, 3, HEIGHT, WIDTH, generator=g) * 2 - 1,
        "reference": torch.rand(frames, 3, HEIGHT, WIDTH, generator=g) * 2 - 1,
        "mask": mask,
        "lips": torch.rand(frames, 2, HEIGHT // 2, WIDTH // 2, generator=g),
        "points": torch.randn(frames, 478, 3, generator=g),
        "rotation": torch.eye(3).expand(frames, 3, 3),
        "windows": torch.randn(frames, config["audio_columns"], config["feature_dim"], generator=g),
    }


@pytest.mark.parametrize("kind", ["base", "paper"])
def test_windows_come_out_as_they_went_in(kind: str, request) -> None:
    pipeline = request.getfixturevalue(kind)
    cond, _ = pipeline.condition(**given(pipeline))
    steps = []
    out = pipeline(
        cond, pipeline.noise((WIDTH, HEIGHT), 0), num_inference_steps=2, callback=lambda i, t, x: steps.append(i)
    )
    assert out.images.shape == (FRAMES, 3, HEIGHT, WIDTH)
    assert steps == [0, 1]


def test_what_the_mask_hides_is_not_looked_at(base) -> None:
    inputs = given(base)
    other = {**inputs, "frames": torch.where(inputs["mask"] > 0, torch.randn(()), inputs["frames"])}
    one, another = (base.condition(**i)[0] for i in (inputs, other))
    torch.testing.assert_close(one.concat, another.concat)


@pytest.mark.parametrize("kind", ["base", "paper"])
def test_equal_frames_with_shared_noise_give_equal_windows(kind: str, request) -> None:
    """DiffTalk's frames are denoised one by one: what is alike stays alike, so a held pose does not flicker."""
    pipeline = request.getfixturevalue(kind)
    inputs = {k: v[:1].expand(FRAMES, *v.shape[1:]) for k, v in given(pipeline).items()}
    images = pipeline(pipeline.condition(**inputs)[0], pipeline.noise((WIDTH, HEIGHT), 3)).images
    torch.testing.assert_close(images, images[:1].expand_as(images))


def test_the_paper_holds_what_is_known(paper) -> None:
    inputs = given(paper)
    cond, _ = paper.condition(**inputs)
    latents = paper(cond, paper.noise((WIDTH, HEIGHT), 0), num_inference_steps=3).latents
    hidden = torch.where(inputs["mask"] > 0, 0.0, inputs["frames"])
    known = space.encode(paper.codec, hidden)
    outside = (cond.mask == 0).expand_as(latents)
    assert outside.any() and not outside.all()
    torch.testing.assert_close(latents[outside], known[outside])


def test_a_denoiser_that_adds_nothing_gives_the_reference(base) -> None:
    torch.nn.init.zeros_(base.unet.conv_out.weight)
    torch.nn.init.zeros_(base.unet.conv_out.bias)
    cond, reference = base.condition(**given(base))
    out = base(cond, torch.zeros(1, 4, HEIGHT // 8, WIDTH // 8), num_inference_steps=1)
    torch.testing.assert_close(out.latents, reference)


def test_guidance_without_a_condition_of_its_own_changes_nothing(base) -> None:
    silent = {**given(base), "windows": None}
    cond, _ = base.condition(**silent)
    noise = base.noise((WIDTH, HEIGHT), 0)
    plain, guided = (base(cond, noise, guidance_scale=s).latents for s in (1.0, 4.0))
    torch.testing.assert_close(plain, guided, atol=1e-4, rtol=1e-4)
    heard, _ = base.condition(**given(base))
    plain, guided = (base(heard, noise, guidance_scale=s).latents for s in (1.0, 4.0))
    assert not torch.allclose(plain, guided, atol=1e-3)


def test_it_is_saved_and_loaded_as_diffusers_pipelines_are(base, tmp_path) -> None:
    for part in ("unet", "conditioner", "codec"):
        getattr(base, part).save_pretrained(tmp_path / part)
    again = DiffTalkPipeline(
        FaceCodec.from_pretrained(tmp_path / "codec").eval(),
        UNet2DConditionModel.from_pretrained(tmp_path / "unet").eval(),
        DiffTalkConditioner.from_pretrained(tmp_path / "conditioner").eval(),
        base_schedule(),
    )
    noise = base.noise((WIDTH, HEIGHT), 0)
    results = [p(p.condition(**given(p))[0], noise, num_inference_steps=1).images for p in (base, quiet(again))]
    torch.testing.assert_close(*results)


def test_a_guider_of_diffusers_takes_the_place_of_the_guidance_scale(base) -> None:
    cond, _ = base.condition(**given(base))
    noise = base.noise((WIDTH, HEIGHT), 0)
    ours = base(cond, noise, guidance_scale=3.0).latents
    torch.testing.assert_close(base(cond, noise, guider=ClassifierFreeGuidance(3.0)).latents, ours)
    with pytest.raises(ConfigError, match="guidance_scale or a guider, not both"):
        base(cond, noise, guidance_scale=3.0, guider=ClassifierFreeGuidance(3.0))


def test_another_denoiser_is_composed_with_its_own_by_a_guider(base) -> None:
    cond, _ = base.condition(**given(base))
    noise = base.noise((WIDTH, HEIGHT), 0)
    torch.manual_seed(5)
    prior = unet(4, base.conditioner.extra_channels, 16).eval()
    guider = ScoreCompositionGuidance(1.0, 0.0)
    guider.prior = prior
    torch.testing.assert_close(base(cond, noise, guider=guider).latents, base(cond, noise).latents, rtol=0, atol=0)
    guider = ScoreCompositionGuidance(1.0, 0.25)
    guider.prior = prior
    # In one step, what is painted is linear in what is predicted: ε(c) + γ (ε'(c) - ε'(∅)).
    without = base.conditioner.drop_sound(cond)
    own = base(cond, noise, num_inference_steps=1).latents
    made = base(cond, noise, num_inference_steps=1, guider=guider).latents
    other = DiffTalkPipeline(base.codec, prior, base.conditioner, base.scheduler)
    heard, unheard = (other(c, noise, num_inference_steps=1).latents for c in (cond, without))
    torch.testing.assert_close(made, own + 0.25 * (heard - unheard), rtol=1e-4, atol=1e-4)
    assert (made - own).abs().max() > 1e-4


def test_of_a_denoiser_of_clips_time_is_guided_too(base) -> None:
    """At 1 as it is, at 0 each window as it would be alone."""
    clips = inflate(base.unet, "vdm")
    with torch.no_grad():
        for weight in clips.temporal.parameters():
            weight.add_(0.1)
    base.register_modules(unet=clips)
    cond, _ = base.condition(**given(base))
    noise = base.noise((WIDTH, HEIGHT), 0).expand(FRAMES, -1, -1, -1)

    def make(cond, noise, **more) -> torch.Tensor:
        return base(cond, noise, decode=False, **more).latents

    plain = make(cond, noise)
    torch.testing.assert_close(make(cond, noise, temporal_guidance=1.0), plain, rtol=0, atol=0)
    torch.testing.assert_close(make(cond, noise, temporal_guidance=1 + 1e-7), plain, rtol=0, atol=1e-5)
    strong = make(cond, noise, guidance_scale=2.0)
    torch.testing.assert_close(
        make(cond, noise, guidance_scale=2.0, temporal_guidance=1 + 1e-7), strong, atol=1e-5, rtol=0
    )
    alone = torch.cat([make(cond[k : k + 1], noise[k : k + 1]) for k in range(FRAMES)])
    torch.testing.assert_close(make(cond, noise, temporal_guidance=0.0), alone, rtol=0, atol=1e-5)
    assert (alone - plain).abs().max() > 1e-4


def test_time_is_not_guided_where_there_is_none(base) -> None:
    cond, _ = base.condition(**given(base))
    with pytest.raises(ConfigError, match="temporal guidance is of a denoiser that knows of time"):
        base(cond, base.noise((WIDTH, HEIGHT), 0), temporal_guidance=0.5)


def test_lips_and_sound_are_guided_each_by_a_scale_of_its_own(base) -> None:
    inputs, noise = given(base), base.noise((WIDTH, HEIGHT), 0)
    cond, _ = base.condition(**inputs)
    plain = base(cond, noise, decode=False).latents
    torch.testing.assert_close(
        base(cond, noise, lips_guidance=1 + 1e-7, decode=False).latents, plain, rtol=0, atol=1e-5
    )
    strong = base(cond, noise, lips_guidance=3.0, decode=False).latents
    assert (strong - plain).abs().max() > 1e-3
    hidden, _ = base.condition(**inputs, lips_known=False)
    dropped = base.conditioner.drop_lips(cond)
    torch.testing.assert_close(dropped.concat, hidden.concat)
    torch.testing.assert_close(dropped.tokens, hidden.tokens)
    alone = base(hidden, noise, lips_guidance=3.0, decode=False).latents  # nothing to guide by
    torch.testing.assert_close(alone, base(hidden, noise, decode=False).latents, rtol=0, atol=1e-5)
    one = base(cond, noise, guidance_scale=2.0, decode=False).latents
    both = base(cond, noise, guidance_scale=2.0, lips_guidance=1 + 1e-7, decode=False).latents
    torch.testing.assert_close(both, one, rtol=0, atol=1e-4)


def test_lips_are_not_guided_beside_a_guider_or_time(base) -> None:
    cond, _ = base.condition(**given(base))
    with pytest.raises(ConfigError, match="no guider"):
        base(cond, base.noise((WIDTH, HEIGHT), 0), lips_guidance=2.0, guider=ClassifierFreeGuidance(3.0))
    with pytest.raises(ConfigError, match="no guider"):
        base(cond, base.noise((WIDTH, HEIGHT), 0), lips_guidance=2.0, temporal_guidance=0.5)
