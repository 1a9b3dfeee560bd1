"""The embedded codec: face pictures to latents and back, cheap enough for a laptop.

Full-resolution convolutions are bound by memory bandwidth on a CPU, so pictures are folded four by four into
channels first, and all work happens at a quarter and an eighth of the resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.fused import add_convolved, convolve_unshuffled, shuffle_convolved
from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.models.published import FaceCodec as FaceCodec

__getattr__ = find_on_demand(__name__, {"FaceCodec": "facediff.models.published"})


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside the identity; plain, without normalisation, so that it folds into few kernels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.SiLU()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return x + self.conv2(self.act(self.conv1(self.act(x))))
        # the same numbers without two copies more of what is as large as a picture
        return add_convolved(self.conv2, F.silu(self.conv1(F.silu(x)), inplace=True), x)


class _Layers(nn.Sequential):
    """One layer after another; a convolution and the fold of its pixels are one where nothing is learnt."""

    architecture = nn.Sequential.__qualname__  # whose ranges and compiled networks serve

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            made: Tensor = super().forward(x)
            return made
        for before, layer, after in zip([None, *self], self, [*self, None][1:], strict=False):
            if isinstance(layer, (nn.PixelUnshuffle, nn.PixelShuffle)):
                continue  # the convolution beside it folds
            if isinstance(before, nn.PixelUnshuffle):
                x = convolve_unshuffled(layer, x, before.downscale_factor)
            elif isinstance(after, nn.PixelShuffle):
                x = shuffle_convolved(layer, x, after.upscale_factor)
            else:
                x = F.silu(x, inplace=True) if isinstance(layer, nn.SiLU) else layer(x)
        return x


class FaceCodecNetwork(Network):
    """Deterministic autoencoder with stride 8.

    Args:
        latent_channels: Channels of the latents.
        fine_channels: Width at a quarter of the resolution.
        coarse_channels: Width at an eighth of it.
        encoder_blocks: Residual blocks of the encoder at a quarter and at an eighth.
        decoder_blocks: Those of the decoder.
        latents_mean: Mean of each latent channel over the training crops.
        latents_std: Standard deviation of each.

    ``encode`` gives latents with mean 0 and standard deviation 1 in each channel.
    """

    mean: Tensor
    std: Tensor
    stride = 8
    knows_clips = False  # whether frames that are decoded together are one after the other

    @keep_config
    def __init__(
        self,
        latent_channels: int = 12,
        fine_channels: int = 64,
        coarse_channels: int = 160,
        encoder_blocks: tuple[int, int] = (1, 2),
        decoder_blocks: tuple[int, int] = (2, 3),
        latents_mean: Sequence[float] | None = None,
        latents_std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = _Layers(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, fine_channels, 3, padding=1),
            *(ResidualBlock(fine_channels) for _ in range(encoder_blocks[0])),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * fine_channels, coarse_channels, 1),
            *(ResidualBlock(coarse_channels) for _ in range(encoder_blocks[1])),
            nn.SiLU(),
            nn.Conv2d(coarse_channels, latent_channels, 1),
        )
        self.decoder = _Layers(
            nn.Conv2d(latent_channels, coarse_channels, 3, padding=1),
            *(ResidualBlock(coarse_channels) for _ in range(decoder_blocks[1])),
            nn.Conv2d(coarse_channels, 4 * fine_channels, 1),
            nn.PixelShuffle(2),
            *(ResidualBlock(fine_channels) for _ in range(decoder_blocks[0])),
            nn.SiLU(),
            nn.Conv2d(fine_channels, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )
        self.register_buffer("mean", self._per_channel(latents_mean, 0.0, latent_channels), persistent=False)
        self.register_buffer("std", self._per_channel(latents_std, 1.0, latent_channels), persistent=False)

    @staticmethod
    def _per_channel(values: Sequence[float] | None, default: float, channels: int) -> Tensor:
        told = [default] * channels if values is None else list(values)
        return torch.tensor(told, device="cpu").view(1, -1, 1, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Latents (B, latent_channels, H/8, W/8) of pictures (B, 3, H, W) in [-1, 1]; H and W multiples of 8."""
        return (self.encoder(images) - self.mean.to(images.dtype)) / self.std.to(images.dtype)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (B, 3, 8h, 8w), about in [-1, 1], of latents (B, latent_channels, h, w)."""
        return self.decoder(latents * self.std.to(latents.dtype) + self.mean.to(latents.dtype))

    def forward(self, images: Tensor) -> Tensor:
        """The round trip."""
        return self.decode(self.encode(images))
