"""Guidance by time itself: how much frames of a clip follow one another, told apart from what they show."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from facediff.diffusion.guidance import C, Predict, apply_guidance
from facediff.errors import ConfigError


def apply_temporal_guidance(
    predict: Predict[C], cond: C, null: C, alone: C, guidance_scale: float, temporal_scale: float
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of (x, t) that leans towards its condition and, apart from that, towards smooth time.

    Gives ``alone + temporal_scale (null - alone) + guidance_scale (cond - null)``. At a ``temporal_scale`` of 1 it is
    ordinary guidance, bit for bit; at 0 frames follow one another only as far as their condition says, and above 1 more
    than the network would have it. Elsewhere it costs a call more.

    Args:
        predict: The network.
        cond: What a clip is to be conditioned on.
        null: The same without what is to be strengthened.
        alone: As ``null``, and each frame denoised as a picture of its own.
        guidance_scale: At least 0.
        temporal_scale: At least 0.

    Raises:
        ConfigError: A scale is negative.

    Source: Esser et al., "Structure and Content-Guided Video Synthesis with Diffusion Models" (Gen-1, ICCV 2023),
    equation 11.
    """
    if temporal_scale < 0:
        raise ConfigError(f"temporal_scale must be at least 0, not {temporal_scale}")
    ordinary = apply_guidance(predict, cond, null, guidance_scale)
    if temporal_scale == 1.0:
        return ordinary

    def guided(x: Tensor, t: Tensor) -> Tensor:
        base, own = predict(x, t, null), predict(x, t, alone)
        leant = guidance_scale * (predict(x, t, cond) - base) if cond is not null else 0.0
        return own + temporal_scale * (base - own) + leant

    return guided
