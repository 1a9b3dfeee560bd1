"""Small trained encoders: sound, landmarks and head pose to tokens for cross-attention.

One token would make softmax attention constant, as in the published DiffTalk code; so each of these gives several,
with learned places.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facediff.landmarks.mesh import LEFT_BROW, LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_BROW, RIGHT_EYE

# What the mouth does not move, 39 points as in DiffTalk: jaw ends, brows, nose, eyes.
UPPER_FACE = (
    127, 234, 93, 356, 454, 323, 58, 288,  # jaw ends
    *RIGHT_BROW[:5], *LEFT_BROW[:5],
    168, 6, 195, 1, 98, 2, 327, 4, 5,  # nose
    *RIGHT_EYE[::3][:6], *LEFT_EYE[::3][:6],
)  # fmt: skip
MOUTH_POINTS = (*LIPS_OUTER, *LIPS_INNER)


class AudioTokens(nn.Module):
    """A window of speech features to tokens.

    Args:
        feature_dim: Width of a feature column.
        columns: Columns of the window, centred on the frame.
        tokens: Tokens made of them; divides ``columns``.
        dim: Width of a token.
    """

    def __init__(self, feature_dim: int = 80, columns: int = 32, tokens: int = 8, dim: int = 128) -> None:
        super().__init__()
        if columns % tokens:
            raise ValueError(f"{tokens} tokens cannot share {columns} columns evenly")
        self.tokens = tokens
        self.norm = nn.LayerNorm(feature_dim)
        self.stem = nn.Sequential(
            nn.Linear(feature_dim * columns // tokens, 2 * dim), nn.SiLU(), nn.Linear(2 * dim, dim)
        )
        self.mix = nn.Conv1d(dim, dim, 3, padding=1)
        self.place = nn.Parameter(torch.randn(tokens, dim, device="cpu") * 0.02)
        self.silence = nn.Parameter(torch.zeros(tokens, dim))

    def forward(self, window: Tensor, present: Tensor | None = None) -> Tensor:
        """Tokens (B, tokens, dim) of windows (B, columns, feature_dim).

        Where ``present`` (B,) is False the sound is unknown, and a learned null stands for it (guidance).
        """
        x = self.stem(self.norm(window).flatten(1).unflatten(1, (self.tokens, -1)))
        x = x + self.mix(nn.functional.silu(x).transpose(1, 2)).transpose(1, 2)
        if present is not None:
            x = torch.where(present[:, None, None], x, self.silence.to(x.dtype))
        return x + self.place.to(x.dtype)


class LandmarkTokens(nn.Module):
    """Chosen landmarks to tokens, one for every ``group`` of them.

    Args:
        indices: Which of the 478 landmarks are seen.
        group: Landmarks to a token; divides their number.
        dim: Width of a token.
    """

    indices: Tensor

    def __init__(self, indices: tuple[int, ...] = UPPER_FACE, group: int = 3, dim: int = 128) -> None:
        super().__init__()
        if len(indices) % group:
            raise ValueError(f"{len(indices)} landmarks cannot be shared out in groups of {group}")
        self.register_buffer("indices", torch.tensor(indices, device="cpu"), persistent=False)
        self.tokens, self.group = len(indices) // group, group
        self.embed = nn.Sequential(nn.Linear(3 * group, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.place = nn.Parameter(torch.randn(self.tokens, dim, device="cpu") * 0.02)
        self.unknown = nn.Parameter(torch.zeros(self.tokens, dim))

    def forward(self, points: Tensor, present: Tensor | None = None) -> Tensor:
        """Tokens (B, tokens, dim) of landmarks (B, 478, 3) in eye distances from the crop's anchor."""
        chosen = points[:, self.indices].flatten(1).unflatten(1, (self.tokens, 3 * self.group))
        x = self.embed(chosen)
        if present is not None:
            x = torch.where(present[:, None, None], x, self.unknown.to(x.dtype))
        return x + self.place.to(x.dtype)


class PoseToken(nn.Module):
    """Head rotation to one token, from the first two columns of its matrix (Zhou et al. 2019, section 4.2)."""

    def __init__(self, dim: int = 128) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, rotation: Tensor) -> Tensor:
        """A token (B, 1, dim) of rotations (B, 3, 3)."""
        return self.embed(rotation[:, :, :2].flatten(1))[:, None]
