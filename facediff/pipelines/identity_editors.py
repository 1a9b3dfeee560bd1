"""What turns the identity vector of a video into the one that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from facediff.models.attributes import AttributeClassifier
from facediff.options import check_strength


class Editor(Protocol):
    """Anything that makes one identity vector of another."""

    def __call__(self, identity: Tensor, /) -> Tensor:
        """The vector (D,) wanted, of length 1, from the video's own."""
        ...


@dataclass(frozen=True)
class LinearEditor:
    """Moves an identity along the directions of a classifier.

    Source: "Diffusion Video Autoencoders" (CVPR 2023), section 3.3 (classifier-based editing).

    Attributes:
        classifier: Whose directions.
        strengths: Of the attributes, from -2 to 2 each; at 1 as much as people differ. All 0 changes nothing.
    """

    classifier: AttributeClassifier
    strengths: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuses what it cannot do.

        Raises:
            ConfigError: An attribute is unknown, or its strength out of range.
        """
        for name, strength in self.strengths.items():
            self.classifier.index(name)
            check_strength(name, strength)

    @torch.no_grad()
    def __call__(self, identity: Tensor) -> Tensor:
        wanted = identity.new_zeros(len(self.classifier.names))
        for name, strength in self.strengths.items():
            wanted[self.classifier.index(name)] = strength
        return self.classifier.edit(identity, wanted)


@dataclass(frozen=True)
class TowardsEditor:
    """Moves an identity part of the way, or further than the way, to another: one found by text, or somebody else's.

    Attributes:
        target: (D,) of length 1.
        strength: 0 stays, 1 arrives.
    """

    target: Tensor
    strength: float = 1.0

    def __call__(self, identity: Tensor) -> Tensor:
        if self.strength == 0:
            return identity
        return F.normalize(identity + self.strength * (self.target.to(identity) - identity), dim=0)
