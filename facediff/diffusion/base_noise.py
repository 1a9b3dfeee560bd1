"""Noise of a clip as a base that all frames share and a residual of each frame's own; the base is predicted once.

Source: Luo et al., "VideoFusion" (arXiv 2303.08320), section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from facediff.errors import ConfigError


def base_shares(frames: int, share: float = 0.5) -> Tensor:
    """λ (frames,): what of each frame's noise variance is the base; all of it in the middle frame, else ``share``.

    Raises:
        ConfigError: The share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the base's share of the noise is from 0 to 1, not {share:g}")
    shares = torch.full((frames,), share)
    if share > 0:  # without a base there is nothing that the middle frame could be
        shares[frames // 2] = 1.0
    return shares


def join_noise(base: Tensor, residual: Tensor, shares: Tensor) -> Tensor:
    """Noise (F, ...) of unit variance from a base (...) and residuals (F, ...)."""
    own = _spread(shares, residual)
    return own.sqrt() * base + (1 - own).sqrt() * residual


def predict_in_parts(
    predict_base: Callable[[Tensor, Tensor], Tensor],
    predict_residual: Callable[[Tensor, Tensor], Tensor],
    shares: Tensor,
    alpha_at: Callable[[Tensor], Tensor],
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of clips (F, ...) that predicts noise, which calls the large network once a step for all frames.

    Args:
        predict_base: The image model: the noise of one frame (1, ...), the middle one.
        predict_residual: The small model: what is left of the noise of frames (F, ...) without their base.
        shares: See ``base_shares``.
        alpha_at: The schedule's cumulative product at a timestep.
    """

    def predict(x: Tensor, t: Tensor) -> Tensor:
        own = _spread(shares, x)
        if not bool(shares.any()):
            return predict_residual(x, t)
        base = predict_base(x[len(x) // 2][None], t)[0]
        without = x - own.sqrt() * (1 - alpha_at(t)).sqrt().to(x) * base
        return join_noise(base, predict_residual(without, t), shares)

    return predict


def _spread(shares: Tensor, frames: Tensor) -> Tensor:
    return shares.to(frames).view(-1, *[1] * (frames.ndim - 1))
