"""What FADM's refiner is told: the coarse frame, gated by attributes, and where lips, lids and irises have to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.encoders import MOUTH_POINTS, LandmarkTokens, PoseToken
from facediff.landmarks.raster import FACE_MAPS
from facediff.models.gating import AttributeGate
from facediff.models.network import Network, keep_config
from facediff.motion import coefficients
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.conditioning.published import FADMConditioner as FADMConditioner

__getattr__ = find_on_demand(__name__, {"FADMConditioner": "facediff.conditioning.published"})


MAP_FOLD = 2  # face maps have a quarter of the crop's resolution, latents an eighth
# Eye distances around the face oval that may be repainted, in training and in rendering. Fit by, seen on, range tried:
# unknown, as since the first version.
MASK_REACH = 0.14


@dataclass(frozen=True)
class GatedConditioning(Conditioning):
    """A conditioning whose picture depends on the timestep.

    Attributes:
        features: (F, 4 C, h, w), see ``AttributeGate.features``.
        attributes: (F, A), how the source's motion differs from the one wanted.
    """

    features: Tensor = field(kw_only=True)
    attributes: Tensor = field(kw_only=True)


class FADMConditionerNetwork(Network):
    """Coarse latents, attributes, landmarks and head pose to ``GatedConditioning``.

    The gate is FADM's (CVPR Workshops 2023, section 3.2), on latents. Beyond the paper: the coarse latents themselves,
    maps of lips, lids and irises, tokens of landmarks and pose as DiffTalk has them, and motion coefficients of our
    own in place of DECA's.

    Args:
        latent_channels: Of the codec.
        gate_channels: Width of the gate.
        condition_channels: Channels of what the gate lets through.
        dim: Width of the tokens.
        residual_scale: Deviation, inside the mask, of a frame's latents from the coarse ones. That difference is what
            is denoised, at unit size, so that sampling starts from the noised coarse frame.
    """

    scale: Tensor

    @keep_config
    def __init__(
        self,
        latent_channels: int = 12,
        gate_channels: int = 32,
        condition_channels: int = 24,
        dim: int = 128,
        residual_scale: float = 0.7,
    ) -> None:
        super().__init__()
        self.gate = AttributeGate(
            latent_channels,
            gate_channels,
            condition_channels,
            coefficients.DIMENSIONS,
            sizes=(1 / 4, 1 / 2, 1.0),
            is_bounded=False,
        )
        self.moved = nn.Sequential(nn.Linear(coefficients.DIMENSIONS, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.face = LandmarkTokens(group=3, dim=dim)
        self.lips = LandmarkTokens(MOUTH_POINTS, group=5, dim=dim)
        self.pose = PoseToken(dim)
        self.register_buffer("scale", torch.tensor(attribute_scale().tolist(), device="cpu"), persistent=False)

    @property
    def extra_channels(self) -> int:
        """Channels that the denoiser sees beside three sets of latents: the condition, the mask and the folded maps.

        The third set, a reference, is the coarse frame's; there is no second.
        """
        return self.config["condition_channels"] + 1 + FACE_MAPS * MAP_FOLD**2 - self.config["latent_channels"]

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
        """Conditioning of B frames.

        Args:
            coarse: Latents (B, L, h, w) of the coarse frame.
            mask: (B, 1, h, w) in [0, 1], 1 where the refiner may change it.
            maps: (B, 4, 2h, 2w) in [0, 1], see ``facediff.landmarks.raster.draw_face``.
            points: Landmarks (B, 478, 3) wanted, in eye distances from the crop's anchor.
            rotation: Head rotation (B, 3, 3) wanted.
            attributes: (B, 31) the source's motion less the one wanted.
            driven: Latents of the real frame, seen at times in training; the coarse ones stand in for them otherwise.
        """
        known = torch.tanh(attributes / self.scale.to(attributes.dtype))  # a wild coefficient must not open the gate
        tokens = torch.cat(
            [self.moved(known)[:, None], self.face(points), self.lips(points), self.pose(rotation)], dim=1
        )
        concat = torch.cat([coarse, mask, F.pixel_unshuffle(maps, MAP_FOLD)], dim=1)
        features = self.gate.features(coarse, driven)
        scale = self.config["residual_scale"]
        return GatedConditioning(concat, tokens, mask, coarse, scale, features=features, attributes=known)

    def maps(self, cond: GatedConditioning, timesteps: Tensor) -> Tensor:
        """What is concatenated to noisy latents at ``timesteps`` (F,): what the gate lets through, then ``concat``."""
        return torch.cat([self.gate(cond.features, cond.attributes, timesteps), cond.concat], dim=1)


@cache
def attribute_scale() -> NDArray[np.float32]:
    """(31,) what each channel of a motion is divided by, so that usual ones lie within 1; nobody writes to it.

    The refiner was trained with these numbers; by what they were chosen is unknown.
    """
    scale = np.ones(coefficients.DIMENSIONS, np.float32)
    for part, value in (
        (coefficients.LIPS, 2.0),
        (coefficients.BROWS, 2.0),
        (coefficients.GAZE, 0.1),
        (coefficients.ANGLES, 15.0),
        (coefficients.SHIFT, 0.3),
        (coefficients.OPENING, 0.15),
    ):
        scale[part] = value
    scale.setflags(write=False)
    return scale
