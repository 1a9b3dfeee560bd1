"""Residual blocks that two vectors modulate, one after the other: how noisy a picture is, and whose face it shows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DualModulationBlock(nn.Module):
    """Residual block with two modulations and a convolution between them.

    Source: Kim et al., "Diffusion Video Autoencoders" (CVPR 2023), section 3.1. Unlike DiffAE's blocks, whose two
    modulations follow one another, a convolution lies between them.

    Args:
        in_channels: Of what comes in.
        out_channels: Of what goes out.
        time_dim: Width of the vector of the noise level.
        face_dim: Width of the vector of the face.
        groups: Of the normalisations.
        middle_kernel: Side of the convolution between the two modulations.
        dropout: Before the last convolution.
        resample: ``down`` halves the resolution inside the block, ``up`` doubles it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        time_dim: int,
        face_dim: int,
        *,
        groups: int = 32,
        middle_kernel: int = 3,
        dropout: float = 0.0,
        resample: str | None = None,
    ) -> None:
        super().__init__()
        self.resample = resample
        self.norm1 = nn.GroupNorm(groups, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out_channels)
        self.time = nn.Linear(time_dim, 2 * out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, middle_kernel, padding=middle_kernel // 2)
        self.norm3 = nn.GroupNorm(groups, out_channels)
        self.face = nn.Linear(face_dim, 2 * out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv3 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        nn.init.zeros_(self.conv3.weight)
        nn.init.zeros_(self.conv3.bias)  # type: ignore[arg-type]
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, time: Tensor, face: Tensor) -> Tensor:
        """(B, out, h, w) of (B, in, h, w), vectors (B, time_dim) of the noise level and (B, face_dim) of the face."""
        hidden = F.silu(self.norm1(x))
        hidden, x = self.conv1(self._resample(hidden)), self._resample(x)
        hidden = self.conv2(F.silu(modulate(self.norm2(hidden), self.time(F.silu(time)))))
        hidden = F.silu(modulate(self.norm3(hidden), self.face(F.silu(face))))
        return self.skip(x) + self.conv3(self.dropout(hidden))

    def _resample(self, x: Tensor) -> Tensor:
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.resample == "up" else x


def modulate(x: Tensor, vector: Tensor) -> Tensor:
    """``x`` (B, C, h, w), scaled and shifted by the halves of a vector (B, 2 C)."""
    scale, shift = vector[:, :, None, None].chunk(2, dim=1)
    return torch.addcmul(shift, x, 1 + scale)
