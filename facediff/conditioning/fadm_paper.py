"""FADM's conditioning as published: the gated coarse frame, in pixels, and nothing else."""

from __future__ import annotations

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor

from facediff.conditioning.fadm import GatedConditioning
from facediff.models.gating import AttributeGate


class FADMPaperConditioner(ModelMixin, ConfigMixin):
    """AGCN on pictures in [0, 1] (FADM, CVPR Workshops 2023, section 3.2). Masks, maps and landmarks are not looked at.

    Args:
        attribute_dim: 56 for DECA's 50 coefficients of expression, 3 of the head and 3 of the jaw.
    """

    @register_to_config
    def __init__(self, attribute_dim: int = 56) -> None:
        super().__init__()
        self.gate = AttributeGate(attribute_dim=attribute_dim)

    def forward(
        self,
        coarse: Tensor,
        mask: Tensor,
        maps: Tensor,
        points: Tensor,
        rotation: Tensor,
        attributes: Tensor,
        *,
        driven: Tensor | None = None,
    ) -> GatedConditioning:
        """See ``FADMConditioner.forward``; pictures stand for latents, and the picture itself is denoised."""
        return GatedConditioning(
            coarse, coarse.new_zeros(len(coarse), 0, 1), mask, features=self.gate.features(coarse, driven),
            attributes=attributes,
        )  # fmt: skip

    def maps(self, cond: GatedConditioning, timesteps: Tensor) -> Tensor:
        """What is concatenated to noisy pictures: what the gate lets through, (F, 3, H, W) in (0, 1)."""
        return self.gate(cond.features, cond.attributes, timesteps)
