"""Denoisers of short clips: diffusers' ``UNetMotionModel`` (AnimateDiff) at the size of a laptop.

Space and time are factorised: convolutions and attention within each frame, attention along time at each place. The
small one is a domain's; the large one, the prior, is a denoiser of pictures that learnt time.
"""

from __future__ import annotations

import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.difftalk import LATENT_CHANNELS, TOKEN_DIM

MAX_FRAMES = 32


def small_space_time(latent_channels: int = LATENT_CHANNELS, extra_channels: int = 57) -> UNetMotionModel:
    """A denoiser of the latents (B, 12, F, 16, 20) of mouth windows: 0.36 M parameters, 0.1 GFLOP a call and frame.

    It starts as an image model (see ``freeze_time``), takes up to 32 frames, and is given what DiffTalk's denoiser is
    given. Attention, across tokens, within a frame and along time, sits at half the latents' resolution.

    Args:
        latent_channels: Of the codec.
        extra_channels: Of maps that it sees beside the noisy latents.
    """
    return freeze_time(
        UNetMotionModel(
            sample_size=(16, 20),
            in_channels=latent_channels + extra_channels,
            out_channels=latent_channels,
            block_out_channels=(32, 24),
            layers_per_block=1,
            down_block_types=("DownBlockMotion", "CrossAttnDownBlockMotion"),
            up_block_types=("CrossAttnUpBlockMotion", "UpBlockMotion"),
            cross_attention_dim=TOKEN_DIM,
            num_attention_heads=4,
            norm_num_groups=8,
            temporal_transformer_layers_per_block=(0, 1),
            motion_num_attention_heads=4,
            motion_max_seq_length=MAX_FRAMES,
        )
    )


class TemporalLayer(ModelMixin, ConfigMixin):
    """Attention along time at each place, to stand in the middle of a UNet: all that a prior adds to it.

    Args:
        channels: Of the UNet's middle.
        heads: Of the attention.
        groups: Of the norm.
    """

    @register_to_config
    def __init__(self, channels: int = 128, heads: int = 4, groups: int = 16) -> None:
        super().__init__()
        self.layer = AnimateDiffTransformer3D(
            heads, channels // heads, channels, norm_num_groups=groups, positional_embeddings="sinusoidal",
            num_positional_embeddings=MAX_FRAMES,
        )  # fmt: skip
        _mute(self.layer)


def space_time_prior(unet: UNet2DConditionModel, temporal: TemporalLayer | None = None) -> UNetMotionModel:
    """A denoiser of pictures as one of clips, which it denoises frame by frame but for a temporal layer in its middle.

    Args:
        unet: The denoiser of pictures; its weights are copied.
        temporal: That layer; its weights are shared, not copied. A fresh one, without effect, by default.

    Source: Guo et al., "AnimateDiff" (ICLR 2024), section 4.2.
    """
    temporal = temporal or TemporalLayer(unet.config["block_out_channels"][-1])
    adapter = MotionAdapter(
        block_out_channels=unet.config["block_out_channels"],
        motion_layers_per_block=unet.config["layers_per_block"],
        motion_transformer_layers_per_block=(0,) * len(unet.config["block_out_channels"]),
        motion_num_attention_heads=temporal.config["heads"],
        motion_norm_num_groups=temporal.config["groups"],
        motion_max_seq_length=MAX_FRAMES,
    )
    clips = freeze_time(UNetMotionModel.from_unet2d(unet, adapter)).to(unet.dtype)
    clips.mid_block.motion_modules[0] = temporal.layer
    return clips


def freeze_time(unet: UNetMotionModel) -> UNetMotionModel:
    """The network with the last layer of every temporal one at zero: each frame is denoised as a picture of its own.

    Neither a fresh ``UNetMotionModel`` nor one made from an image model is like that in diffusers; frames would disturb
    one another before anything is learnt. Training moves the layers away from zero.

    Source: Guo et al., "AnimateDiff" (ICLR 2024), section 4.2.
    """
    for module in unet.modules():
        if isinstance(module, AnimateDiffTransformer3D):
            _mute(module)
    return unet


def _mute(layer: AnimateDiffTransformer3D) -> None:
    nn.init.zeros_(layer.proj_out.weight)
    nn.init.zeros_(layer.proj_out.bias)


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
