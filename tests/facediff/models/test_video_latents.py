import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLWan

from facediff.models import video_latents
from facediff.models.codec import FaceCodec


@pytest.fixture(params=["face", "kl", "wan"])
def codec(request):
    torch.manual_seed(0)
    if request.param == "face":
        return FaceCodec(4, 8, 8, (1, 1), (1, 1)).eval()
    if request.param == "kl":
        return AutoencoderKL(
            block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2, norm_num_groups=2,
            up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, scaling_factor=0.5,
        ).eval()  # fmt: skip
    return AutoencoderKLWan(
        base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.1, 0.2, 0.3, 0.4], latents_std=[2.0] * 4,
    ).eval()  # fmt: skip


@torch.no_grad()
def test_clips_come_back_in_their_shape_and_latents_have_the_size_that_was_told(codec) -> None:
    video = torch.rand(2, 3, 5, 32, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = video_latents.encode(codec, video)
    assert latents.shape == (2, 4, *video_latents.latent_size(codec, 5, 32, 16))
    assert video_latents.decode(codec, latents).shape == video.shape


@torch.no_grad()
def test_clips_do_not_know_of_one_another(codec) -> None:
    video = torch.rand(2, 3, 5, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    both = video_latents.encode(codec, video)
    torch.testing.assert_close(video_latents.encode(codec, video[1:]), both[1:], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        video_latents.decode(codec, both[1:]), video_latents.decode(codec, both)[1:], rtol=1e-4, atol=1e-5
    )


@torch.no_grad()
def test_frames_of_an_image_codec_keep_their_order() -> None:
    codec = FaceCodec(4, 8, 8, (1, 1), (1, 1)).eval()
    video = torch.rand(1, 3, 4, 16, 16) * 2 - 1
    latents = video_latents.encode(codec, video)
    for k in range(4):
        torch.testing.assert_close(latents[:, :, k], codec.encode(video[:, :, k]), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_wans_latents_are_known_at_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    codec = AutoencoderKLWan(
        base_dim=4, z_dim=2, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False],
        latents_mean=[0.5, -1.0], latents_std=[2.0, 4.0], scale_factor_temporal=1, scale_factor_spatial=2,
    ).eval()  # fmt: skip
    video = torch.rand(1, 3, 1, 8, 8) * 2 - 1
    raw = codec.encode(video).latent_dist.mode()
    wanted = torch.stack([(raw[:, 0] - 0.5) / 2, (raw[:, 1] + 1) / 4], dim=1)
    torch.testing.assert_close(video_latents.encode(codec, video), wanted)
