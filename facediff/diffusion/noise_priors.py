"""Initial noise for the frames of a clip: what makes neighbours alike before any network has spoken.

Every prior has unit variance in each frame, and frame k's noise depends on the seed and on k alone, so a clip
rendered in chunks is the clip rendered whole.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from facediff.errors import ConfigError

PRIORS = ("shared", "independent", "mixed", "progressive")


def frame_noise(
    kind: str,
    shape: tuple[int, ...],
    frames: int,
    seed: int,
    *,
    start: int = 0,
    alpha: float | None = None,
) -> Tensor:
    """Noise (frames, *shape) of frames ``start`` onwards.

    Args:
        kind: ``shared``, the same for all; ``independent``; ``mixed``, a shared and an own part (correlation
            alpha²/(1 + alpha²) between any two); ``progressive``, each frame's made from the last one's (correlation
            (alpha/√(1 + alpha²))^distance).
        shape: Of one frame's latents.
        frames: How many.
        seed: Of the clip.
        start: Index of the first frame.
        alpha: Share of what is common; 1 for ``mixed`` and 2 for ``progressive`` by default.

    Source: PYoCo (Ge et al., ICCV 2023), section 3.3.
    """
    if kind not in PRIORS:
        raise ConfigError(f"there is no noise prior {kind!r}; there are {', '.join(PRIORS)}")
    if kind == "shared":
        return _draw(shape, seed, -1).expand(frames, *shape)
    own = [_draw(shape, seed, k) for k in range(start, start + frames)]
    if kind == "independent":
        return torch.stack(own)
    if kind == "mixed":
        a = 1.0 if alpha is None else alpha
        common = _draw(shape, seed, -1)
        return torch.stack([(a * common + e) / math.sqrt(1 + a * a) for e in own])
    a = 2.0 if alpha is None else alpha
    keep, fresh = a / math.sqrt(1 + a * a), 1 / math.sqrt(1 + a * a)
    out = []
    last = _draw(shape, seed, 0)
    for k in range(start + frames):
        if k:
            last = keep * last + fresh * _draw(shape, seed, k)
        if k >= start:
            out.append(last)
    return torch.stack(out)


def check_prior(kind: str, trained: str) -> None:
    """Refuses noise of another prior than a model was trained with, which it would take for a picture of its own.

    Raises:
        ConfigError: It is another.
    """
    if kind != trained:
        raise ConfigError(f"the model was trained with {trained} noise, not {kind}: leave the noise prior out")


def _draw(shape: tuple[int, ...], seed: int, index: int) -> Tensor:
    """Noise of one frame; its generator is seeded by (seed, index), mixed as in a hash."""
    mixed = ((seed * 0x9E3779B97F4A7C15) ^ ((index + 1) * 0xBF58476D1CE4E5B9)) & 0x7FFF_FFFF_FFFF_FFFF
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(mixed))
