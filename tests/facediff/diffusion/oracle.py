"""The exact denoiser of a Gaussian process in time: samplers and schedules are right when its samples are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DDIMScheduler
from torch import Tensor


def rbf(count: int, length: float) -> Tensor:
    """Covariance (count, count) of a smooth process of unit variance."""
    at = torch.arange(count, dtype=torch.float64)
    return torch.exp(-0.5 * ((at[:, None] - at) / length) ** 2)


class Oracle:
    """Clips (B, T) of a known process.

    Args:
        covariance: (N, N) of the whole video.
        noise: Covariance of the noise of frames; independent by default.
    """

    def __init__(self, covariance: Tensor, noise: Tensor | None = None) -> None:
        self.covariance = covariance.double()
        self.noise = torch.eye(len(covariance), dtype=torch.float64) if noise is None else noise.double()
        self.calls = 0

    def clean(self, x: Tensor, alpha: Tensor, frames: Sequence[int]) -> Tensor:
        """E[clean | noisy] of those frames alone: x̂ = √α Σ (α Σ + (1 - α) C)⁻¹ x."""
        self.calls += 1
        at = list(frames)
        prior, noise = self.covariance[at][:, at], self.noise[at][:, at]
        seen = alpha.double() * prior + (1 - alpha.double()) * noise
        return alpha.double().sqrt() * (prior @ torch.linalg.solve(seen, x.double().T)).T

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """True clips (count, N)."""
        root = torch.linalg.cholesky(self.covariance + 1e-9 * torch.eye(len(self.covariance), dtype=torch.float64))
        return torch.randn(count, len(root), generator=generator, dtype=torch.float64) @ root.T

    def extend(
        self, given: Tensor, at: Sequence[int], made: Sequence[int], generator: torch.Generator, told: float = 0.0
    ) -> Tensor:
        """Samples (B, made) that go with given frames (B, at), which are thought to have so much noise."""
        at, made = list(at), list(made)
        known = self.covariance[at][:, at] * (1 - told) + (told + 1e-9) * torch.eye(len(at), dtype=torch.float64)
        across = self.covariance[made][:, at] * (1 - told) ** 0.5
        gain = torch.linalg.solve(known, across.T).T
        left = self.covariance[made][:, made] - gain @ across.T
        values, vectors = torch.linalg.eigh(left)
        root = vectors * values.clamp(min=0).sqrt()
        return given @ gain.T + torch.randn(len(given), len(made), generator=generator, dtype=torch.float64) @ root.T


def schedule() -> DDIMScheduler:
    """Cosine noise levels, of a network that predicts the clean sample."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="sample", timestep_spacing="trailing", clip_sample=False
    )


def join_ratio(clips: Tensor, joins: Sequence[int]) -> float:
    """Mean squared change over the pairs (k, k + 1) at joins, over that elsewhere."""
    steps = clips.diff(dim=1).square().mean(dim=0)
    elsewhere = torch.ones(len(steps), dtype=torch.bool)
    elsewhere[list(joins)] = False
    return float(steps[list(joins)].mean() / steps[elsewhere].mean())
