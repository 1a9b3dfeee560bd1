import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, VQModel

from facediff.models import latents as space
from facediff.models.codec import FaceCodec


def tiny(kind: str) -> space.Codec:
    torch.manual_seed(0)
    if kind == "face":
        return FaceCodec(4, 8, 16, (1, 1), (1, 1), latents_mean=[0.5] * 4, latents_std=[2.0] * 4).eval()
    if kind == "taesd":
        return AutoencoderTiny(
            encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8), num_encoder_blocks=(1, 1),
            num_decoder_blocks=(1, 1), latent_channels=4,
        ).eval()  # fmt: skip
    both = {"block_out_channels": (8, 8), "norm_num_groups": 4, "latent_channels": 4}
    down, up = ("DownEncoderBlock2D",) * 2, ("UpDecoderBlock2D",) * 2
    if kind == "vq":
        return VQModel(
            down_block_types=down, up_block_types=up, num_vq_embeddings=16, scaling_factor=0.5, **both
        ).eval()
    return AutoencoderKL(
        down_block_types=down, up_block_types=up, scaling_factor=0.5, shift_factor=0.25, **both
    ).eval()  # fmt: skip


@pytest.mark.parametrize("kind", ["face", "taesd", "vq", "kl"])
@torch.no_grad()
def test_shapes_and_strides(kind: str) -> None:
    codec, images = tiny(kind), torch.rand(2, 3, 32, 48) * 2 - 1
    latents, s = space.encode(codec, images), space.stride(codec)
    assert latents.shape == (2, 4, 32 // s, 48 // s)
    assert space.decode(codec, latents).shape == images.shape
    torch.testing.assert_close(space.encode(codec, images), latents)  # nothing is drawn


@torch.no_grad()
def test_scaling_is_applied_and_taken_back() -> None:
    codec, images = tiny("kl"), torch.rand(1, 3, 16, 16)
    raw = codec.encode(images).latent_dist.mode()
    scaled = space.encode(codec, images)
    torch.testing.assert_close(scaled, (raw - 0.25) * 0.5)
    torch.testing.assert_close(space.decode(codec, scaled), codec.decode(raw).sample)
