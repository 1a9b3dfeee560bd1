"""Tiny networks, codecs and schedules of the classes that hub models of clips come in."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    UNet3DConditionModel,
    UNetMotionModel,
    UniPCMultistepScheduler,
    WanTransformer3DModel,
)
from torch import nn

from facediff.models.codec import FaceCodec
from facediff.pipelines.compatibility import VideoShape

CHANNELS, FRAMES, SIDE, TOKENS, DIM = 4, 2, 4, 3, 8
CLIP = VideoShape(frames=FRAMES, fps=25, height=8 * SIDE, width=8 * SIDE)


def animatediff(seed: int = 0, channels: int = CHANNELS, **changes: Any) -> UNetMotionModel:
    return _seeded(
        seed, UNetMotionModel, in_channels=channels, out_channels=channels, block_out_channels=(8, 8),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=DIM, num_attention_heads=2,
        motion_num_attention_heads=2, motion_max_seq_length=8,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"),
        up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"), **changes,
    )  # fmt: skip


def text_to_video(seed: int = 1, channels: int = CHANNELS) -> UNet3DConditionModel:
    return _seeded(
        seed, UNet3DConditionModel, in_channels=channels, out_channels=channels, block_out_channels=(8, 8),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=DIM, attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"), up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
    )  # fmt: skip


def wan(seed: int = 2, channels: int = CHANNELS) -> WanTransformer3DModel:
    return _seeded(
        seed, WanTransformer3DModel, patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
        in_channels=channels, out_channels=channels, text_dim=DIM, freq_dim=16, ffn_dim=16, num_layers=1,
        rope_max_seq_len=32,
    )  # fmt: skip


def codec(seed: int = 0, channels: int = CHANNELS) -> FaceCodec:
    return _seeded(
        seed, FaceCodec, latent_channels=channels, fine_channels=8, coarse_channels=8, encoder_blocks=(1, 1),
        decoder_blocks=(1, 1),
    )  # fmt: skip


def schedule(kind: str = "epsilon", **changes: Any) -> DDIMScheduler:
    return DDIMScheduler(
        prediction_type=kind, clip_sample=False, timestep_spacing="trailing", beta_schedule="scaled_linear",
        beta_start=0.00085, beta_end=0.012, **changes,
    )  # fmt: skip


def flow() -> UniPCMultistepScheduler:
    """As Wan's are on the hub."""
    return UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)


def _seeded(seed: int, kind: type[nn.Module], **config: Any) -> Any:
    torch.manual_seed(seed)
    return kind(**config).eval()
