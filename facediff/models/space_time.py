"""Denoisers of short clips: diffusers' ``UNetMotionModel`` (AnimateDiff) at the size of a laptop.

Space and time are factorised: convolutions and attention within each frame, attention along time at each place.
"""

from __future__ import annotations

import torch
from diffusers import UNetMotionModel
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.difftalk import LATENT_CHANNELS, TOKEN_DIM

MAX_FRAMES = 32


def small_space_time(latent_channels: int = LATENT_CHANNELS, extra_channels: int = 0) -> UNetMotionModel:
    """A denoiser of the latents (B, 12, F, 28, 28) of a face of 224×224: 2.8 M parameters, 1.4 GFLOP a call and frame.

    It starts as an image model (see ``still``), and takes 8 to 16 frames, 32 at most. Tokens are those of
    ``frame_tokens``. Attention across tokens and within a frame sits at half the latents' resolution and below, as in
    ``facediff.models.difftalk.base_unet``; attention along time everywhere.

    Args:
        latent_channels: Of the codec.
        extra_channels: Of maps that it sees beside the noisy latents.
    """
    return still(
        UNetMotionModel(
            sample_size=28,
            in_channels=latent_channels + extra_channels,
            out_channels=latent_channels,
            block_out_channels=(64, 64, 64),
            layers_per_block=1,
            down_block_types=("DownBlockMotion", "CrossAttnDownBlockMotion", "DownBlockMotion"),
            up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion", "UpBlockMotion"),
            cross_attention_dim=TOKEN_DIM,
            num_attention_heads=4,
            norm_num_groups=16,
            motion_num_attention_heads=4,
            motion_max_seq_length=MAX_FRAMES,
        )
    )


def still(unet: UNetMotionModel) -> UNetMotionModel:
    """The network with the last layer of every temporal one at zero: each frame is denoised as a picture of its own.

    Neither a fresh ``UNetMotionModel`` nor one made from an image model is like that in diffusers; frames would disturb
    one another before anything is learnt. Training moves the layers away from zero.

    Source: Guo et al., "AnimateDiff" (ICLR 2024), section 4.2.
    """
    for module in unet.modules():
        if isinstance(module, AnimateDiffTransformer3D):
            nn.init.zeros_(module.proj_out.weight)
            nn.init.zeros_(module.proj_out.bias)
    return unet


def frame_tokens(audio: Tensor | None, text: Tensor | None = None, frames: int | None = None) -> Tensor:
    """Tokens (B·F, N + M, D) as ``UNetMotionModel`` takes them: each frame its own sound, and the clip's text.

    Args:
        audio: (B, F, N, D), of each frame; None where nothing is heard.
        text: (B, M, D), of the clip; None where nothing is said about it.
        frames: F, needed where there is no audio.

    Raises:
        ConfigError: Nothing is given, or not how many frames.
    """
    count = frames if audio is None else audio.shape[1]
    said = None if text is None or count is None else text.repeat_interleave(count, dim=0)
    parts = [part for part in (None if audio is None else audio.flatten(0, 1), said) if part is not None]
    if not parts:
        raise ConfigError("tokens are made of audio, or of text and a number of frames, or of audio and text")
    return torch.cat(parts, dim=1)
