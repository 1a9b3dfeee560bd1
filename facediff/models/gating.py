"""FADM's attribute-guided conditioning network: how much of the coarse picture, and how fine, a denoiser is shown."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.embeddings import Timesteps
from facediff.models.fused import add_convolved
from facediff.models.norms import GroupNorm

NEUTRAL_WEIGHT = 0.3  # at which all scales weigh 1
APPEARANCE_SHARE, DRIVEN_SHARE = 0.4, 0.2


class AttributeGate(nn.Module):
    """AGCN: the coarse picture at three scales, weighed by how far the face has to move.

    The further the motion, the less can the fine detail of a warp be trusted, and the more its coarsest copy counts.
    What does not depend on the timestep is computed once a frame, by ``features``.

    Source: Zeng et al., "Face Animation with an Attribute-Guided Diffusion Model" (CVPR Workshops 2023), section 3.2.

    Args:
        in_channels: Of the coarse picture, or of its latents.
        channels: Width.
        out_channels: Of the condition.
        attribute_dim: Numbers that say how the driving face differs from the source's.
        sizes: Side of the coarsest, the middle and the finest copy over the picture's own.
        time_dim: Width of the timestep's sinusoids.
        is_bounded: Whether the condition is squashed into (0, 1), as pixels want it.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: int = 16,
        out_channels: int = 3,
        attribute_dim: int = 56,
        sizes: tuple[float, float, float] = (1 / 8, 1 / 4, 1 / 2),
        time_dim: int = 64,
        is_bounded: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.sizes, self.is_bounded = channels, sizes, is_bounded
        self.appearance = nn.Sequential(
            nn.Conv2d(in_channels, channels, 7, padding=3), _Residual(channels), _Residual(channels)
        )
        self.sinusoids = Timesteps(time_dim)
        self.time = nn.Linear(time_dim, channels)
        self.motion = nn.Sequential(
            nn.Linear(attribute_dim + channels, channels), nn.SiLU(), nn.Linear(channels, channels)
        )
        self.pool = nn.AdaptiveMaxPool1d(channels)
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1),
            GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.mix = nn.Sequential(
            *(_Residual(2 * channels) for _ in range(3)), nn.Conv2d(2 * channels, out_channels, 7, padding=3)
        )

    def look(self, picture: Tensor) -> Tensor:
        """Appearance P (B, channels, h, w) of a picture's thumbnail, an eighth of it."""
        small = F.interpolate(picture, scale_factor=self.sizes[0], mode="nearest")
        return self.appearance(F.interpolate(small, size=picture.shape[-2:], mode="nearest"))

    def features(self, coarse: Tensor, driven: Tensor | None = None) -> Tensor:
        """What does not change with the timestep: (B, 4 channels, h, w), the copies and the appearance.

        Args:
            coarse: (B, in_channels, h, w), the coarse frame or its latents.
            driven: The real driving frame, seen at times in training; the coarse one otherwise.
        """
        own = self.look(coarse)
        other = own if driven is None else self.look(driven)
        copies = []
        exact = coarse.float()  # torch does not shrink bfloat16 on every CPU
        for size in self.sizes:
            small = F.interpolate(exact, scale_factor=size, mode="bilinear", antialias=True) if size < 1 else exact
            full = (F.interpolate(small, size=coarse.shape[-2:], mode="bilinear") if size < 1 else small).to(coarse)
            copies.append(self.stem(full) + APPEARANCE_SHARE * other)
        return torch.cat([*copies, own + DRIVEN_SHARE * other], dim=1)

    def weights(self, attributes: Tensor, timesteps: Tensor) -> Tensor:
        """Weight of each copy, coarsest first: (B, 3, channels).

        Args:
            attributes: (B, attribute_dim), source less driving; all 0 where nothing moves.
            timesteps: (B,).
        """
        time = self.time(self.sinusoids(timesteps).to(attributes.dtype))
        learnt = torch.sigmoid(self.motion(torch.cat([attributes, time], dim=1)))
        return scale_weights(learnt + 0.4 * self.pool(attributes[:, None])[:, 0], len(self.sizes))

    def forward(self, features: Tensor, attributes: Tensor, timesteps: Tensor) -> Tensor:
        """The condition (B, out_channels, h, w); see ``features`` and ``weights``."""
        *copies, appearance = features.split(self.channels, dim=1)
        weights = self.weights(attributes, timesteps)[..., None, None].unbind(dim=1)
        mixed = copies[0] * weights[0]
        for copy, weight in zip(copies[1:], weights[1:], strict=True):
            mixed = torch.addcmul(mixed, copy, weight)
        condition = self.mix(torch.cat([mixed, appearance], dim=1))
        return torch.sigmoid(condition) if self.is_bounded else condition


def scale_weights(w: Tensor, scales: int) -> Tensor:
    """FADM's equation for the weight of each copy: (B, scales, C) of motion weights (B, C), coarsest first."""
    last = scales - 1
    coarse, fine = torch.exp(w - NEUTRAL_WEIGHT), torch.exp(NEUTRAL_WEIGHT - w)
    return torch.stack([(last - i) / last * coarse + i / last * fine for i in range(scales)], dim=1)


class _Residual(nn.Module):
    """Two normalised 3×3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            GroupNorm(8, channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            GroupNorm(8, channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        *before, convolve = self.body
        made = x
        for layer in before:
            made = layer(made)
        return add_convolved(cast(nn.Conv2d, convolve), made, x)
