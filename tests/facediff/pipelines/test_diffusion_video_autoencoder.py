"""The pipeline around tiny networks of the real classes, as published and as embedded."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers.guiders import ClassifierFreeGuidance

from facediff.conditioning.diffusion_autoencoder import COORDINATE_CHANNELS, PLACE_CHANNELS, FaceVector
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet, base_schedule, paper_schedule
from facediff.models.identity import IdentityEncoder
from facediff.pipelines.diffusion_video_autoencoder import (
    DiffusionVideoAutoencoderPipeline,
    FaceLayout,
    video_identity,
)

SIDE, FRAMES = 64, 3


@pytest.fixture
def base() -> DiffusionVideoAutoencoderPipeline:
    torch.manual_seed(0)
    return quiet(
        DiffusionVideoAutoencoderPipeline(
            DualModulationUNet(4, PLACE_CHANNELS, (8, 16), attention_head_dim=4, face_dim=6, norm_num_groups=4),
            FaceVector(identity_dim=10, hidden=8, face_dim=6),
            base_schedule(),
            IdentityEncoder(4, COORDINATE_CHANNELS, (8, 8), (2, 2), dim=10, norm_num_groups=4),
            FaceCodec(4, 8, 8, (1, 1), (1, 1)),
        )
    )


@pytest.fixture
def paper() -> DiffusionVideoAutoencoderPipeline:
    """Pictures, no maps, identities from elsewhere."""
    torch.manual_seed(0)
    unet = DualModulationUNet(
        3, 0, (8, 8), attention_head_dim=None, time_dim=8, face_dim=6, norm_num_groups=4, middle_kernel=3
    )
    face = FaceVector(identity_dim=10, hidden=None, face_dim=6)
    return quiet(DiffusionVideoAutoencoderPipeline(unet, face, paper_schedule()))


def quiet(pipeline: DiffusionVideoAutoencoderPipeline) -> DiffusionVideoAutoencoderPipeline:
    for part in (pipeline.codec, pipeline.identity, pipeline.face, pipeline.unet):
        if part is not None:
            part.eval()
    for weight in pipeline.unet.parameters():  # zero layers would hide what goes in
        torch.nn.init.normal_(weight, std=0.08)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def face_layout(frames: int = FRAMES) -> FaceLayout:
    g = torch.Generator().manual_seed(1)
    return FaceLayout(
        points=torch.randn(frames, 478, 3, generator=g),
        parts=torch.rand(frames, 4, SIDE // 4, SIDE // 4, generator=g),
        coordinates=torch.randn(frames, 2, SIDE // 8, SIDE // 8, generator=g),
    )


def faces() -> torch.Tensor:
    return torch.rand(FRAMES, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) * 2 - 1


def identity(seed: int = 3) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(10, generator=torch.Generator().manual_seed(seed)), dim=0)


@pytest.mark.parametrize("kind", ["base", "paper"])
def test_what_is_encoded_decodes_to_itself(kind: str, request) -> None:
    pipeline = request.getfixturevalue(kind)
    latents = pipeline.latents(faces())
    noise = pipeline.encode(latents, identity(), face_layout(), num_inference_steps=10, fixed_point_steps=8)
    made = pipeline(noise, identity(), face_layout(), num_inference_steps=10)
    torch.testing.assert_close(made.latents, latents, rtol=0.02, atol=0.02)
    assert made.images.shape == (FRAMES, 3, SIDE, SIDE)


@pytest.mark.parametrize("kind", ["base", "paper"])
def test_another_identity_or_place_gives_another_picture(kind: str, request) -> None:
    pipeline = request.getfixturevalue(kind)
    noise = torch.randn(pipeline.latents(faces()).shape, generator=torch.Generator().manual_seed(4))
    made = [
        pipeline(noise, who, where, num_inference_steps=3, decode=False).latents
        for who, where in ((identity(), face_layout()), (identity(), face_layout()), (identity(5), face_layout()))
    ]
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0], made[2], atol=1e-4)
    moved = FaceLayout(face_layout().points + 1, face_layout().parts, face_layout().coordinates)
    other = pipeline(noise, identity(), moved, num_inference_steps=3, decode=False).latents
    assert not torch.allclose(made[0], other, atol=1e-4)


def test_a_video_has_one_identity_of_length_one(base: DiffusionVideoAutoencoderPipeline) -> None:
    vectors = base.identify(base.latents(faces()), face_layout())
    assert vectors.shape == (FRAMES, 10)
    who = video_identity(vectors)
    assert float(who.norm()) == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(who, torch.nn.functional.normalize(vectors.mean(0), dim=0))


def test_gradients_flow_back_to_the_identity(base: DiffusionVideoAutoencoderPipeline) -> None:
    who = identity().requires_grad_(True)
    made = base.predictor(who, face_layout())(torch.randn(FRAMES, 4, 8, 8), torch.tensor(500))
    base.decode(made).square().mean().backward()
    assert who.grad is not None and float(who.grad.abs().sum()) > 0


def test_it_is_saved_and_loaded_as_any_pipeline(base: DiffusionVideoAutoencoderPipeline, tmp_path) -> None:
    base.save_pretrained(tmp_path)
    again = quiet_loaded(DiffusionVideoAutoencoderPipeline.from_pretrained(tmp_path))
    noise = torch.randn(FRAMES, 4, 8, 8, generator=torch.Generator().manual_seed(6))
    made, same = (
        p(noise, identity(), face_layout(), num_inference_steps=2, decode=False).latents for p in (base, again)
    )
    torch.testing.assert_close(made, same, rtol=1e-4, atol=1e-4)


def quiet_loaded(pipeline: DiffusionVideoAutoencoderPipeline) -> DiffusionVideoAutoencoderPipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("kind", ["base", "paper"])
def test_another_denoiser_is_composed_with_its_own_by_a_guider(kind: str, request) -> None:
    """Without a negative identity each has its share, and one step is linear in what is predicted."""
    pipeline = request.getfixturevalue(kind)
    noise = torch.randn(pipeline.latents(faces()).shape, generator=torch.Generator().manual_seed(4))
    prior = copy.deepcopy(pipeline.unet)
    for weight in prior.parameters():
        torch.nn.init.normal_(weight, std=0.1)

    def run(steps: int = 1, **more) -> torch.Tensor:
        return pipeline(noise, identity(), face_layout(), num_inference_steps=steps, decode=False, **more).latents

    own, guider = run(), ScoreCompositionGuidance(guidance_scale=1.0, strength=0.25)
    guider.prior = prior
    made = run(guider=guider)
    torch.testing.assert_close(run(3, guider=guider.new(strength=0.0)), run(3), rtol=0, atol=0)
    guider = ScoreCompositionGuidance(1.0, 1.0)
    guider.prior = prior
    torch.testing.assert_close(made, 0.75 * own + 0.25 * run(guider=guider), rtol=1e-4, atol=1e-4)
    assert (made - own).abs().max() > 1e-4
    with pytest.raises(ConfigError, match="compares with a negative condition"):
        run(guider=ClassifierFreeGuidance(2.0))
    pulled = run(guider=ClassifierFreeGuidance(2.0), null_identity=identity(5))
    null = pipeline(noise, identity(5), face_layout(), num_inference_steps=1, decode=False).latents
    torch.testing.assert_close(pulled, 2 * own - null, rtol=1e-4, atol=1e-4)
