"""Attributes of a face, read off its identity vector by one linear layer; its weights are the directions of edits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.errors import ConfigError


class AttributeClassifier(ModelMixin, ConfigMixin):
    """Scores of attributes from identity vectors, each component first brought to mean 0 and deviation 1.

    Source: "Diffusion Video Autoencoders" (CVPR 2023), section 3.3 (classifier-based editing).

    Args:
        names: Of the attributes.
        identity_dim: Of the identity vectors.
    """

    @register_to_config
    def __init__(self, names: Sequence[str] = ("smile",), identity_dim: int = 256) -> None:
        super().__init__()
        self.linear = nn.Linear(identity_dim, len(names))
        self.mean = nn.Parameter(torch.zeros(identity_dim), requires_grad=False)
        self.deviation = nn.Parameter(torch.ones(identity_dim), requires_grad=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the attributes, in the order of the scores."""
        return tuple(self.config["names"])

    def index(self, name: str) -> int:
        """Place of an attribute among the scores.

        Raises:
            ConfigError: There is none of that name.
        """
        if name not in self.names:
            raise ConfigError(f"there is no attribute {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def standardised(self, identity: Tensor) -> Tensor:
        """Identity vectors (B, D) with each component at mean 0 and deviation 1 over the training people."""
        return (identity - self.mean) / self.deviation

    def forward(self, identity: Tensor) -> Tensor:
        """Logits (B, A) of identity vectors (B, D)."""
        return self.linear(self.standardised(identity))

    def directions(self) -> Tensor:
        """(A, D) unit directions in the standardised space, each of which moves one score and leaves the others.

        The paper goes along the weights themselves; those of attributes that go together in the training faces, beards
        and age, are not at right angles, and an edit by one would bring the other along.
        """
        weight = F.normalize(self.linear.weight.double(), dim=1)
        return F.normalize(torch.linalg.pinv(weight).T, dim=1).to(self.linear.weight.dtype)

    def edited(self, identity: Tensor, strengths: Tensor) -> Tensor:
        """Identity vectors (B, D) of length 1, moved by ``strengths`` (A,) along the directions.

        A strength of 0.3 is the paper's usual one; it is counted in the length of a standardised vector. All 0 gives
        the vectors back, bit for bit.
        """
        if not strengths.any():
            return identity
        moved = self.standardised(identity) + math.sqrt(identity.shape[-1]) * (strengths @ self.directions())
        return F.normalize(moved * self.deviation + self.mean, dim=-1)
