"""Classifier-free guidance over any denoiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

from facediff.errors import ConfigError

C = TypeVar("C")
Predict = Callable[[Tensor, Tensor, C], Tensor]


def apply_guidance(predict: Predict[C], cond: C, null: C, guidance_scale: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of (x, t) that leans towards its condition.

    Gives ``null + guidance_scale * (cond - null)``. A scale of 1 costs one call and is the plain prediction, bit for
    bit.

    Args:
        predict: The network.
        cond: What it is to be conditioned on.
        null: The same without what is to be strengthened.
        guidance_scale: At least 0.

    Raises:
        ConfigError: The scale is negative.

    Source: Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), equation 6, with w = scale - 1.
    """
    if guidance_scale < 0:
        raise ConfigError(f"guidance_scale must be at least 0, not {guidance_scale}")
    if guidance_scale == 1.0:
        return lambda x, t: predict(x, t, cond)

    def guided(x: Tensor, t: Tensor) -> Tensor:
        base = predict(x, t, null)
        return base + guidance_scale * (predict(x, t, cond) - base)

    return guided
