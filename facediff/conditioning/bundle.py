"""The one record that every denoiser of ours is conditioned on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Conditioning:
    """What a denoiser knows about F frames.

    Attributes:
        concat: Maps (F, C, h, w) at the size of the latents, concatenated to them.
        tokens: (F, N, D), for cross-attention.
        mask: (F, 1, h, w): 1 where the denoiser paints, 0 where the latents are known.
        known: Latents (F, L, h, w) of what is already there; None if nothing is.
    """

    concat: Tensor
    tokens: Tensor
    mask: Tensor
    known: Tensor | None = None

    def __len__(self) -> int:
        return len(self.concat)

    def __getitem__(self, rows: slice) -> Conditioning:
        return self._map(lambda t: t[rows])

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Conditioning:
        """The same on another device or in another floating type."""
        return self._map(lambda t: t.to(device=device, dtype=dtype))

    def with_tokens(self, tokens: Tensor) -> Conditioning:
        """The same with other tokens, for guidance."""
        return replace(self, tokens=tokens)

    def _map(self, change) -> Conditioning:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Conditioning(**{k: None if v is None else change(v) for k, v in values.items()})
