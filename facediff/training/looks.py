"""What a picture looks like, as a loss: by features that are learnt elsewhere, and by a critic that learns along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facediff.training.adversary import Adversary
from facediff.training.loop import Companion
from facediff.training.perceptual import PerceptualDistance, load_perceptual_distance


@dataclass(frozen=True, kw_only=True)
class LooksWeights:
    """How much each part of the loss counts.

    Attributes:
        distance: Of ``PerceptualDistance``.
        realism: Of what the adversary says.
        match: Of distances between its features.

    At a pixel the distance pulls about three times as hard as fidelity does, on pictures of a codec trained for that.
    With six times as much realism, and a critic that saw colours, its decoder lost 5 dB in mouths after 400 steps, with
    a cast and a faint grid. No range was swept since.
    """

    distance: float = 0.2
    realism: float = 0.05
    match: float = 1.0


class Looks:
    """Judges made pictures beside real ones, and teaches its adversary on them.

    Args:
        distance: Between pictures.
        adversary: Tells made from real.
        weights: What counts how much.
    """

    def __init__(
        self, distance: PerceptualDistance, adversary: Adversary, weights: LooksWeights = LooksWeights()
    ) -> None:
        self._distance, self._adversary, self._weights = distance, adversary, weights

    @property
    def companions(self) -> Sequence[Companion]:
        """What the training loop is to keep the state of."""
        return [self._adversary]

    def __call__(self, made: Tensor, real: Tensor, weight: Tensor | None = None) -> tuple[Tensor, dict[str, float]]:
        """The loss, and figures for the log; the adversary has had a lesson.

        Args:
            made: Pictures (B, 3, H, W) in [-1, 1]; gradients flow to them.
            real: What they should look like.
            weight: (B, 1, H, W) where the distance counts; None for everywhere.
        """
        self._distance.to(made.device)
        weights, say = self._weights, self._adversary.say
        apart = self._distance(made, real, weight)
        value, figures = weights.distance * apart, {"distance": float(apart.detach())}
        if say:
            fooled, match = self._adversary.judge(real, made)
            value = value + say * (weights.realism * fooled + weights.match * match)
            figures |= {"fooled": float(fooled.detach()), "match": float(match.detach())}
        if torch.is_grad_enabled():
            figures["critic"] = self._adversary.teach(real, made)
        return value, figures


def load_looks(warmup: int) -> Looks:
    """The usual judge; its adversary is not listened to in the first ``warmup`` steps.

    Raises:
        MissingExtra: The features' weights are not installed.
    """
    return Looks(load_perceptual_distance(), Adversary(warmup=warmup))
