"""The one record that every denoiser of ours is conditioned on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

C = TypeVar("C", bound="Conditioning")


@dataclass(frozen=True)
class Conditioning:
    """What a denoiser knows about F frames.

    Attributes:
        concat: Maps (F, C, h, w) at the size of the latents, concatenated to them; the masked frame's latents first.
        tokens: (F, N, D), for cross-attention.
        mask: (F, 1, h, w): 1 where the denoiser paints, 0 where the latents are known.
        coarse: Latents (F, L, h, w) to which ``scale`` times what is denoised is to be added; None where the
            denoiser makes the latents themselves.
        scale: See ``coarse``.
    """

    concat: Tensor
    tokens: Tensor
    mask: Tensor
    coarse: Tensor | None = None
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.concat)

    def __getitem__(self: C, rows: slice | list[int]) -> C:
        return self._map(lambda t: t[rows])

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Conditioning:
        """The same on another device or in another floating type."""
        return self._map(lambda t: t.to(device=device, dtype=dtype))

    def with_tokens(self, tokens: Tensor) -> Conditioning:
        """The same with other tokens, for guidance."""
        return replace(self, tokens=tokens)

    def latents(self, denoised: Tensor) -> Tensor:
        """The frames' latents (F, L, h, w) from what was denoised."""
        return denoised if self.coarse is None else self.coarse + self.scale * denoised

    def start(self, like: Tensor) -> Tensor:
        """What sampling starts from, once noised, where it starts from the coarse frame (F, L, h, w).

        Args:
            like: Of that shape; ``concat`` begins with the coarse frame where the latents themselves are denoised.
        """
        return torch.zeros_like(like) if self.coarse is not None else self.concat[:, : like.shape[1]]

    def known_latents(self, channels: int) -> tuple[Tensor, Tensor] | None:
        """Latents of the masked frame and a mask, 1 where to paint: elsewhere they are held (DiffTalk's inpainting).

        None where a residual is denoised: it is zero outside the mask by itself.

        Args:
            channels: Of the latents; ``concat`` begins with the masked frame's.
        """
        return None if self.coarse is not None else (self.concat[:, :channels], (self.mask > 0).to(self.concat.dtype))

    def _map(self: C, change: Callable[[Tensor], Tensor]) -> C:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        changed: dict[str, Any] = {k: change(v) for k, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **changed)
