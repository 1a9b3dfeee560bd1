"""What a denoiser predicts, told another way: the noise, the clean sample, or the velocity.

A noisy sample is x = √α c + √(1 - α) n, of a clean sample c and noise n, where α is the schedule's cumulative product.
"""

from __future__ import annotations

from torch import Tensor

from facediff.errors import ConfigError

KINDS = ("epsilon", "sample", "v_prediction")


def to_epsilon(output: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The noise that a prediction implies.

    Args:
        output: What was predicted, (B, ...).
        noisy: The noisy sample it was predicted for, same shape.
        alpha: The schedule's ``alphas_cumprod`` at its noise level, a scalar or of a shape that broadcasts.
        kind: ``prediction_type`` of the schedule: ``epsilon``, ``sample`` or ``v_prediction``.

    Raises:
        ConfigError: There is no such kind.
    """
    _check(kind)
    if kind == "epsilon":
        return output
    if kind == "sample":
        return (noisy - alpha.sqrt() * output) / (1 - alpha).sqrt()
    return alpha.sqrt() * output + (1 - alpha).sqrt() * noisy


def to_sample(output: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The clean sample that a prediction implies; see ``to_epsilon``."""
    _check(kind)
    if kind == "sample":
        return output
    if kind == "epsilon":
        return (noisy - (1 - alpha).sqrt() * output) / alpha.sqrt()
    return alpha.sqrt() * noisy - (1 - alpha).sqrt() * output


def from_epsilon(epsilon: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """What a denoiser of a kind would have predicted, from the noise; the inverse of ``to_epsilon``."""
    _check(kind)
    if kind == "epsilon":
        return epsilon
    if kind == "sample":
        return to_sample(epsilon, noisy, alpha, "epsilon")
    # v = √α n - √(1 - α) c, with c from x and n
    return (epsilon - (1 - alpha).sqrt() * noisy) / alpha.sqrt()


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigError(f"a prediction type is one of {', '.join(KINDS)}, not {kind!r}")
