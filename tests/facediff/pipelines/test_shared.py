import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from diffusers.guiders import ClassifierFreeGuidance

from facediff.errors import ConfigError
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.pipelines.shared import (
    Sampling,
    latent_shape,
    make_denoiser,
    make_output,
    run_unet,
    spread_noise,
)

STEPS = 4


@pytest.fixture
def steps() -> torch.Tensor:
    scheduler = base_schedule()
    scheduler.set_timesteps(STEPS)
    return scheduler.timesteps


def predict(x: torch.Tensor, t: torch.Tensor, cond: float) -> torch.Tensor:
    return cond * x


def make(conditions, **options):
    return make_denoiser(
        predict, torch.nn.Identity(), conditions, base_schedule(), Sampling(num_inference_steps=STEPS, **options)
    )


def test_without_a_scale_or_a_guider_it_is_the_network_and_needs_no_negative(steps) -> None:
    x = torch.randn(2, 3)
    torch.testing.assert_close(make((3.0, None))(x, steps[0]), 3 * x, rtol=0, atol=0)


def test_a_scale_and_a_guider_of_that_scale_are_one(steps) -> None:
    x = torch.randn(2, 3)
    by_scale = make((3.0, 1.0), guidance_scale=2.0)(x, steps[0])
    by_guider = make((3.0, 1.0), guider=ClassifierFreeGuidance(guidance_scale=2.0))(x, steps[0])
    torch.testing.assert_close(by_scale, 5 * x)
    torch.testing.assert_close(by_guider, by_scale)


def test_a_scale_beside_a_guider_is_refused() -> None:
    with pytest.raises(ConfigError, match="not both"):
        make((3.0, 1.0), guidance_scale=2.0, guider=ClassifierFreeGuidance())


def test_pictures_come_where_they_are_wanted() -> None:
    latents = torch.ones(2, 4, 3, 3)
    assert make_output(latents, None).images.numel() == 0
    out = make_output(latents, lambda x: 2 * x)
    assert out.latents is latents and out.images.mean() == 2


def test_latents_are_as_large_as_the_codec_makes_them() -> None:
    unet = UNet2DModel(sample_size=8, in_channels=3, out_channels=5, block_out_channels=(32,),
                       down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",))  # fmt: skip
    assert latent_shape(unet, FaceCodec(), (160, 128)) == (5, 16, 20)
    assert latent_shape(unet, None, (160, 128)) == (5, 128, 160)


def test_a_unet_sees_maps_beside_noise_and_tokens_where_it_takes_some() -> None:
    sizes = {"sample_size": 8, "in_channels": 7, "out_channels": 4, "block_out_channels": (32,), "layers_per_block": 1}
    plain = UNet2DModel(**sizes, down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",))
    told = UNet2DConditionModel(
        **sizes, cross_attention_dim=8, down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",), mid_block_type=None,
    )  # fmt: skip
    noisy, beside, t, tokens = torch.randn(2, 4, 8, 8), torch.randn(2, 3, 8, 8), torch.tensor(5), torch.randn(2, 3, 8)
    with torch.no_grad():
        assert run_unet(plain, noisy, beside, t).shape == noisy.shape
        one, other = run_unet(told, noisy, beside, t, tokens), run_unet(told, noisy, beside, t, 2 * tokens)
    assert one.shape == noisy.shape and not torch.equal(one, other)


def test_noise_is_one_for_all_frames_or_one_each() -> None:
    like = torch.zeros(3, 1, dtype=torch.float64)
    shared = spread_noise(torch.randn(1, 4, 2, 2), like)
    assert shared.shape == (3, 4, 2, 2) and shared.dtype == torch.float64 and torch.equal(shared[0], shared[2])
    own = torch.randn(3, 4, 2, 2)
    torch.testing.assert_close(spread_noise(own, like), own.double())
