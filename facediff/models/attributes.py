"""Attributes of a face: how to read them off its identity vector, and which way to move it to change one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.errors import ConfigError


class AttributeClassifier(ModelMixin, ConfigMixin):
    """Scores of attributes from identity vectors, by one linear layer, and the direction of each.

    Source: "Diffusion Video Autoencoders" (CVPR 2023), section 3.3 (classifier-based editing), for the scores on
    components brought to mean 0 and deviation 1. The paper moves along the weights of the layer; those say what to look
    at, in whatever components tell best, which need not be components that a decoder heeds. What moves with an
    attribute is its pattern (Haufe et al., "On the interpretation of weight vectors", NeuroImage 2014), and that is the
    direction here.

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
        self.directions = nn.Parameter(torch.zeros(len(names), identity_dim), requires_grad=False)

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

    @torch.no_grad()
    def select(self, names: Sequence[str]) -> AttributeClassifier:
        """A classifier of some of the attributes alone.

        Raises:
            ConfigError: There is none of a name.
        """
        rows = [self.index(name) for name in names]
        part = AttributeClassifier(tuple(names), self.config["identity_dim"])
        part.mean.copy_(self.mean)
        part.deviation.copy_(self.deviation)
        part.linear.weight.copy_(self.linear.weight[rows])
        part.linear.bias.copy_(self.linear.bias[rows])
        part.directions.copy_(self.directions[rows])
        return part.eval()

    def standardise(self, identity: Tensor) -> Tensor:
        """Identity vectors (B, D) with each component at mean 0 and deviation 1 over the training people."""
        return (identity - self.mean) / self.deviation

    def forward(self, identity: Tensor) -> Tensor:
        """Logits (B, A) of identity vectors (B, D)."""
        return self.linear(self.standardise(identity))

    def edit(self, identity: Tensor, strengths: Tensor) -> Tensor:
        """Identity vectors (B, D) of length 1, moved by ``strengths`` (A,).

        At 1 an attribute changes by as much as it differs, all else being equal, between people who have it and people
        who do not. All 0 gives the vectors back, bit for bit.
        """
        if not strengths.any():
            return identity
        return F.normalize(identity + strengths @ self.directions, dim=-1)
