"""What a denoiser predicts, told another way: the noise, the clean sample, the velocity, or the flow.

A noisy sample is x = √α c + √(1 - α) n, of a clean sample c and noise n, where α is the schedule's cumulative product.
The velocity is √α n - √(1 - α) c, the flow n - c. What flow matching calls x, (1 - σ) c + σ n, is this x over
√α + √(1 - α), with σ = √(1 - α) / (√α + √(1 - α)); see ``facediff.diffusion.noise_levels``.
"""

from __future__ import annotations

from torch import Tensor

from facediff.errors import ConfigError

KINDS = ("epsilon", "sample", "v_prediction", "flow_prediction")


def to_epsilon(output: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The noise that a prediction implies.

    Args:
        output: What was predicted, (B, ...).
        noisy: The noisy sample it was predicted for, same shape.
        alpha: The schedule's ``alphas_cumprod`` at its noise level, a scalar or of a shape that broadcasts.
        kind: ``prediction_type`` of the schedule: ``epsilon``, ``sample``, ``v_prediction`` or ``flow_prediction``.

    Raises:
        ConfigError: There is no such kind.
    """
    _check(kind)
    if kind == "epsilon":
        return output
    if kind == "sample":
        return (noisy - alpha.sqrt() * output) / (1 - alpha).sqrt()
    if kind == "flow_prediction":
        return (noisy + alpha.sqrt() * output) / (alpha.sqrt() + (1 - alpha).sqrt())
    return alpha.sqrt() * output + (1 - alpha).sqrt() * noisy


def to_sample(output: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The clean sample that a prediction implies; see ``to_epsilon``."""
    _check(kind)
    if kind == "sample":
        return output
    if kind == "epsilon":
        return (noisy - (1 - alpha).sqrt() * output) / alpha.sqrt()
    if kind == "flow_prediction":
        return (noisy - (1 - alpha).sqrt() * output) / (alpha.sqrt() + (1 - alpha).sqrt())
    return alpha.sqrt() * noisy - (1 - alpha).sqrt() * output


def from_epsilon(epsilon: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """What a denoiser of a kind would have predicted, from the noise; the inverse of ``to_epsilon``."""
    _check(kind)
    if kind == "epsilon":
        return epsilon
    if kind == "sample":
        return to_sample(epsilon, noisy, alpha, "epsilon")
    if kind == "flow_prediction":
        return ((alpha.sqrt() + (1 - alpha).sqrt()) * epsilon - noisy) / alpha.sqrt()
    # v = √α n - √(1 - α) c, with c from x and n
    return (epsilon - (1 - alpha).sqrt() * noisy) / alpha.sqrt()


def convert(output: Tensor, noisy: Tensor, alpha: Tensor, kind: str, wanted: str) -> Tensor:
    """A prediction of one kind as one of another; of its own kind, it comes back as it is.

    Only from the noise does it fail where all is noise (α = 0): there the noise says nothing about the sample.

    Args:
        output: What was predicted, (B, ...).
        noisy: The noisy sample it was predicted for, same shape.
        alpha: See ``to_epsilon``.
        kind: What it is.
        wanted: What it is to be.

    Raises:
        ConfigError: There is no such kind.
    """
    _check(kind)
    _check(wanted)
    if kind == wanted:
        return output
    if wanted == "epsilon":
        return to_epsilon(output, noisy, alpha, kind)
    if wanted == "sample":
        return to_sample(output, noisy, alpha, kind)
    if kind == "epsilon":
        return from_epsilon(output, noisy, alpha, wanted)
    clean, noise = to_sample(output, noisy, alpha, kind), to_epsilon(output, noisy, alpha, kind)
    return noise - clean if wanted == "flow_prediction" else alpha.sqrt() * noise - (1 - alpha).sqrt() * clean


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigError(f"a prediction type is one of {', '.join(KINDS)}, not {kind!r}")
