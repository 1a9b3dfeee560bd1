"""Pictures to latents and back, by the embedded codec or by any autoencoder of diffusers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

from facediff.models.codec import FaceCodecNetwork
from facediff.models.placement import move_to

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, AutoencoderTiny, VQModel

Codec: TypeAlias = "FaceCodecNetwork | AutoencoderKL | AutoencoderTiny | VQModel"


def encode(codec: Codec, images: Tensor) -> Tensor:
    """Latents (B, L, H/s, W/s) of pictures (B, 3, H, W) in [-1, 1], scaled as denoisers want them, without sampling."""
    images = move_to(codec, images)
    if isinstance(codec, FaceCodecNetwork):
        return codec.encode(images)
    coded: Any = codec.encode(images)
    latents = coded.latent_dist.mode() if hasattr(coded, "latent_dist") else coded.latents
    scale, shift = _scaling(codec)
    return (latents - shift) * scale


def decode(codec: Codec, latents: Tensor) -> Tensor:
    """Pictures (B, 3, H, W), about in [-1, 1], of what ``encode`` gave; the inverse of its scaling comes first."""
    latents = move_to(codec, latents)
    if isinstance(codec, FaceCodecNetwork):
        return codec.decode(latents)
    scale, shift = _scaling(codec)
    decoded: Any = codec.decode(latents / scale + shift)
    return decoded.sample


def stride(codec: Codec) -> int:
    """Pixels to a latent, along each side."""
    if isinstance(codec, FaceCodecNetwork):
        return codec.stride
    widths = codec.config.get("encoder_block_out_channels") or codec.config["block_out_channels"]  # of a tiny one
    return 2 ** (len(widths) - 1)


def _scaling(codec: Codec) -> tuple[float, float]:
    """Factor and shift; ``AutoencoderTiny`` and some configs have no shift, or None."""
    return float(codec.config["scaling_factor"]), float(codec.config.get("shift_factor") or 0.0)
