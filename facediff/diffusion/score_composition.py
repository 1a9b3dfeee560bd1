"""Several denoisers as one: a small model of one domain with a large prior, or any number of experts.

Two forms. ``compose_product`` is Video-Adapter's: it adds up whole predictions, so the more experts there are, the more
noise is taken off. ``compose_normalised`` adds up differences, so its coefficients sum to 1: it is right for every kind
of prediction, not the noise alone, and its samples keep their contrast.

Source: Yang et al., "Probabilistic Adaptation of Text-to-Video Models" (Video-Adapter, ICLR 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from torch import Tensor

from facediff.diffusion.guidance import C, Predict
from facediff.diffusion.strength import Strength, strength_at
from facediff.errors import ConfigError

Composed = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Expert(Generic[C]):
    """A denoiser with what it is conditioned on.

    Attributes:
        predict: ``predict(x, t, cond)``; all experts of a composition predict the same kind.
        cond: What it is to be conditioned on.
        null: Its condition without what is to be strengthened, or a negative one; None where it has none.
        strength: Of the host, the guidance scale ω; of another, its weight γ. It is not called where that is 0.
    """

    predict: Predict[C]
    cond: C
    null: C | None = None
    strength: Strength = 1.0


def compose_product(host: Expert, others: Sequence[Expert], *, num_train_timesteps: int = 1000) -> Composed:
    """The score of p(x | c) q(x | c)^γ under classifier-free guidance, with the host's null as its baseline.

    ε̂ = ε(∅) + ω (ε(c) + Σ γᵢ εᵢ(c) - ε(∅)), with ε the host's and εᵢ the others'. With the small model as host and the
    large one as the other it is Video-Adapter; with roles swapped, its inverse form. No strength is classifier-free
    guidance of the host, bit for bit. ω = 1 is the plain sum.

    Args:
        host: Its null is needed where its strength is not 1.
        others: Their nulls have no part in it.
        num_train_timesteps: T of the noise level t/T that strengths depend on.

    Returns:
        A denoiser of (x, t). All predict the noise; of another kind, give the others as differences from the
        prediction that means no noise (``prediction.from_epsilon`` of zeros).

    Raises:
        ConfigError: When called, of a strength without a null or out of range.

    Source: Video-Adapter, algorithm 1; the inverse form is that of "adapt2act" (arXiv 2504.15369).
    """

    def composed(x: Tensor, t: Tensor) -> Tensor:
        level = float(t) / num_train_timesteps
        guidance = strength_at(host.strength, level)
        whole = host.predict(x, t, host.cond)
        for weight, other in _select_active(others, level):
            whole = whole + weight * other.predict(x, t, other.cond)
        return whole if guidance == 1.0 else _guide(_predict_baseline(host, x, t, guidance), whole, guidance)

    return composed


def compose_normalised(host: Expert, others: Sequence[Expert], *, num_train_timesteps: int = 1000) -> Composed:
    """A mix whose coefficients sum to 1, of predictions of any one kind.

    ε̂ = ε(∅) + ω (ε(c) - ε(∅)) + Σ γᵢ (εᵢ(c) - εᵢ(∅ᵢ)): each expert pulls along its own condition, away from its own
    negative one. One without a null is measured against the host's instead: ε(∅) + … + γᵢ (εᵢ - ε(∅)) draws towards it
    by the share γᵢ; where the host has none either, that is the geometric mean p^(1 - γ) q^γ. No strength is
    classifier-free guidance of the host, bit for bit.

    Args:
        host: Its null is needed where its strength is not 1.
        others: As many as are wanted.
        num_train_timesteps: T of the noise level t/T that strengths depend on.

    Returns:
        A denoiser of (x, t).

    Raises:
        ConfigError: When called, of a strength without a null or out of range.

    Source: Liu et al., "Compositional Visual Generation with Composable Diffusion Models" (ECCV 2022), section 4.1.
    """

    def composed(x: Tensor, t: Tensor) -> Tensor:
        level = float(t) / num_train_timesteps
        guidance = strength_at(host.strength, level)
        active = _select_active(others, level)
        own = base = host.predict(x, t, host.cond)
        if guidance != 1.0 or (host.null is not None and any(other.null is None for _, other in active)):
            base = _predict_baseline(host, x, t, guidance)
        mixed = own if guidance == 1.0 else _guide(base, own, guidance)
        for weight, other in active:
            apart = base if other.null is None else other.predict(x, t, other.null)
            mixed = mixed + weight * (other.predict(x, t, other.cond) - apart)
        return mixed

    return composed


def _select_active(others: Sequence[Expert], level: float) -> list[tuple[float, Expert]]:
    """Those who have a say at a level, with how much of it."""
    weighed = [(strength_at(other.strength, level), other) for other in others]
    return [(weight, other) for weight, other in weighed if weight > 0]


def _predict_baseline(host: Expert, x: Tensor, t: Tensor, guidance: float) -> Tensor:
    if host.null is None:
        raise ConfigError(f"a guidance of {guidance:g} needs a null condition; give one, or guidance 1")
    return host.predict(x, t, host.null)


def _guide(base: Tensor, towards: Tensor, guidance: float) -> Tensor:
    """As ``facediff.diffusion.guidance`` reckons it, to the bit."""
    return base + guidance * (towards - base)
