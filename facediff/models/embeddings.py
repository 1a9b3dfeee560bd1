"""Numbers that tell a network how far its input is from clean: sinusoids of a timestep, and what is learnt of them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LONGEST = 10_000  # of the periods, over 2 pi


class Timesteps(nn.Module):
    """Timesteps (B,) to sinusoids (B, width), float32: cosines in the first half, sines in the second.

    As ``diffusers.models.embeddings.Timesteps`` with ``flip_sin_to_cos`` and without a frequency shift. Source: Ho et
    al., "Denoising Diffusion Probabilistic Models" (2020), after Vaswani et al. (2017), section 3.5.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, timesteps: Tensor) -> Tensor:
        half = self.width // 2
        exponent = -math.log(_LONGEST) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half
        angle = timesteps[:, None].float() * exponent.exp()[None]
        return torch.cat([angle.cos(), angle.sin()], dim=-1)


class TimestepEmbedding(nn.Module):
    """Sinusoids (B, given) to an embedding (B, width), by two linear maps; the layers are named as in diffusers."""

    def __init__(self, given: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(given, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, sinusoids: Tensor) -> Tensor:
        embedded: Tensor = self.linear_2(F.silu(self.linear_1(sinusoids)))
        return embedded
