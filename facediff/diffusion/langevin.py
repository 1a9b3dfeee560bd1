"""Langevin steps at one noise level: they bring samples to where a composed score says they belong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from facediff.errors import ConfigError


def run_langevin(
    predict: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    t: Tensor,
    alpha: Tensor,
    *,
    steps: int,
    step_size: float = 0.2,
    generator: torch.Generator | None = None,
) -> Tensor:
    """``x`` after some steps x ← x + η/2 s + √η z, with the score s = -ε/√(1 - α) and fresh noise z.

    The sum of scores of noised experts is not the score of their noised product, so a deterministic sampler that
    follows it ends somewhere else; with these steps between its levels it ends at the product.

    Args:
        predict: ``predict(x, t)`` gives the noise.
        x: Samples (B, ...) at this level, √α c + √(1 - α) n.
        t: The timestep.
        alpha: The schedule's ``alphas_cumprod`` there, a scalar.
        steps: How many; 0 leaves x as it is.
        step_size: η over the variance of the noise, 1 - α. With k experts, far below 4/k.
        generator: Of z.

    Raises:
        ConfigError: A negative number of steps, or a step size that is not above 0.

    Source: Du et al., "Reduce, Reuse, Recycle" (ICML 2023), section 4; Video-Adapter takes the same.
    """
    if steps < 0 or step_size <= 0:
        raise ConfigError(f"refinement takes 0 or more steps of a size above 0, not {steps} of {step_size}")
    spread = (1 - alpha).sqrt().to(x)
    for _ in range(steps):
        device = x.device if generator is None else generator.device
        fresh = torch.randn(x.shape, generator=generator, device=device, dtype=x.dtype).to(x.device)
        x = x - step_size / 2 * spread * predict(x, t) + step_size**0.5 * spread * fresh
    return x
