"""Clips to latents and back, frame by frame with an image codec (``facediff.models.latents``) or whole with Wan's."""

from __future__ import annotations

from typing import TypeAlias

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from facediff.models import latents as space
from facediff.models.latents import Codec

VideoCodec: TypeAlias = "Codec | AutoencoderKLWan"


def encode(codec: VideoCodec, video: Tensor) -> Tensor:
    """Latents (B, L, f, h, w) of clips (B, 3, F, H, W) in [-1, 1], scaled as denoisers want them, without sampling."""
    if isinstance(codec, AutoencoderKLWan):
        mean, std = _moments(codec, video)
        return (codec.encode(video).latent_dist.mode() - mean) / std
    return _unfold(space.encode(codec, _fold(video)), len(video))


def decode(codec: VideoCodec, latents: Tensor) -> Tensor:
    """Clips (B, 3, F, H, W), about in [-1, 1], of what ``encode`` gave."""
    if isinstance(codec, AutoencoderKLWan):
        mean, std = _moments(codec, latents)
        return codec.decode(latents * std + mean, return_dict=False)[0]
    return _unfold(space.decode(codec, _fold(latents)), len(latents))


def latent_size(codec: VideoCodec, frames: int, height: int, width: int) -> tuple[int, int, int]:
    """Frames, rows and columns of the latents of a clip."""
    if isinstance(codec, AutoencoderKLWan):
        time, place = codec.config["scale_factor_temporal"], codec.config["scale_factor_spatial"]
        return (frames - 1) // time + 1, height // place, width // place
    side = space.stride(codec)
    return frames, height // side, width // side


def _fold(clips: Tensor) -> Tensor:
    return clips.transpose(1, 2).flatten(0, 1)


def _unfold(frames: Tensor, clips: int) -> Tensor:
    return frames.unflatten(0, (clips, -1)).transpose(1, 2)


def _moments(codec: AutoencoderKLWan, like: Tensor) -> tuple[Tensor, ...]:
    """Mean and deviation of each channel of Wan's latents, which its denoisers know at 0 and 1."""
    told = (codec.config["latents_mean"], codec.config["latents_std"])
    return tuple(torch.tensor(values).view(1, -1, 1, 1, 1).to(like) for values in told)
