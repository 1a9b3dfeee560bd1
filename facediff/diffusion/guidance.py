"""Classifier-free guidance over any denoiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def apply_guidances(
    predict: Predict[C], cond: C, parts: Sequence[tuple[C, float]]
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of (x, t) that leans towards each part of its condition by a scale of its own.

    Gives ``cond + sum of (scale - 1) (cond - without)``; of one part that is ``apply_guidance``. A part whose scale is
    1 costs no call, and where all are, it is the plain prediction, bit for bit.

    Args:
        predict: The network.
        cond: What it is to be conditioned on.
        parts: Of each part the condition without it, and its scale, at least 0.

    Raises:
        ConfigError: A scale is negative.

    Source: Liu et al., "Compositional Visual Generation with Composable Diffusion Models" (ECCV 2022), equation 11,
    counted from the whole condition in the place of none, as parts that depend on one another were trained together.
    """
    for _, scale in parts:
        if scale < 0:
            raise ConfigError(f"guidance_scale must be at least 0, not {scale}")
    active = [(without, scale) for without, scale in parts if scale != 1.0]

    def guided(x: Tensor, t: Tensor) -> Tensor:
        whole = predict(x, t, cond)
        leant = whole
        for without, scale in active:
            leant = leant + (scale - 1) * (whole - predict(x, t, without))
        return leant

    return guided
