"""Who a face is, as one vector: the semantic encoder of Diffusion Video Autoencoders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

FREQUENCIES = (1, 2, 4)  # of the coordinates, in half waves to an eye distance
COORDINATE_CHANNELS = 2 + 4 * len(FREQUENCIES)


def coordinate_maps(coordinates: Tensor) -> Tensor:
    """Coordinates (B, 2, h, w) and their waves, (B, COORDINATE_CHANNELS, h, w)."""
    angles = [math.pi * frequency * coordinates for frequency in FREQUENCIES]
    return torch.cat([coordinates, *(wave for a in angles for wave in (a.sin(), a.cos()))], dim=1)


class IdentityEncoder(ModelMixin, ConfigMixin):
    """Latents of a face crop to an identity vector of length 1.

    It is trained together with the denoiser that is to make other moments of the same video from its vector, so that
    the vector holds what stays and leaves out what moves. It takes the place of the paper's frozen ArcFace.

    Args:
        latent_channels: Of the codec.
        map_channels: Of the maps that say where in the face each latent lies.
        block_out_channels: Width at each resolution, each half of the one before.
        grid: Cells (rows, columns) over which what is found is kept apart before the vector is made of it.
        dim: Of the vector.
        norm_num_groups: Of the normalisations.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 12,
        map_channels: int = 0,
        block_out_channels: Sequence[int] = (48, 64, 96),
        grid: tuple[int, int] = (7, 7),
        dim: int = 256,
        norm_num_groups: int = 16,
    ) -> None:
        super().__init__()
        widths = list(block_out_channels)
        self.conv_in = nn.Conv2d(latent_channels + map_channels, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for before, after in zip(widths, widths[1:], strict=False):
            self.blocks.append(_Block(before, after, norm_num_groups))
        self.narrow = nn.Conv2d(widths[-1], 16, 1)
        self.project = nn.Linear(16 * grid[0] * grid[1], dim)

    def forward(self, latents: Tensor, maps: Tensor | None = None) -> Tensor:
        """Vectors (B, dim) of length 1 of latents (B, L, h, w) and maps (B, map_channels, h, w)."""
        x = self.conv_in(latents if maps is None else torch.cat([latents, maps], dim=1))
        for block in self.blocks:
            x = block(x)
        x = F.adaptive_avg_pool2d(self.narrow(F.silu(x)), tuple(self.config["grid"]))
        return F.normalize(self.project(x.flatten(1)), dim=1)


class _Block(nn.Module):
    """Two convolutions beside the identity, and half the resolution."""

    def __init__(self, before: int, after: int, groups: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(groups, before), nn.GroupNorm(groups, before)
        self.conv1 = nn.Conv2d(before, before, 3, padding=1)
        self.conv2 = nn.Conv2d(before, before, 3, padding=1)
        self.down = nn.Conv2d(before, after, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return self.down(x)
