"""A diffusion model over time: from speech to the motion of a face that could be anybody's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (B, C, T): every moment by itself, so any length will do."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class DilatedBlock(nn.Module):
    """Residual dilated convolutions over time, modulated by the noise level."""

    def __init__(self, channels: int, dilation: int, embedding: int | None, dropout: float) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.conv = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.out = nn.Conv1d(channels, channels, 1)
        self.modulation = nn.Linear(embedding, 2 * channels) if embedding else None
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        h = self.norm(x)
        if self.modulation is not None and level is not None:
            scale, shift = self.modulation(level)[:, :, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        return x + self.out(self.dropout(F.silu(self.conv(F.silu(h)))))


class SpeechEncoder(nn.Module):
    """Log-mel at 100 columns a second to features at 25 a second.

    Small on purpose: minutes of footage, not hours, teach it, and a wider one learns the voices by heart.
    """

    def __init__(self, channels: int = 96, dropout: float = 0.25) -> None:
        super().__init__()
        self.bands_lost = nn.Dropout1d(0.05)
        self.stem = nn.Conv1d(80, channels, 8, stride=4, padding=2)
        self.blocks = nn.ModuleList(nn.Conv1d(channels, channels, 3, padding=d, dilation=d) for d in (1, 2, 4, 2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, mel: Tensor) -> Tensor:
        """Features (B, channels, T) of a channel-free log-mel (B, 80, 4 T); feature k is centred on 40 k + 15 ms."""
        x = self.stem(self.bands_lost(mel))
        for conv in self.blocks:
            x = x + conv(self.dropout(F.silu(x)))
        return F.silu(x)


class MotionDenoiser(ModelMixin, ConfigMixin):
    """Predicts clean motion from noisy motion and sound (LaMD's diffusion of motion alone, arXiv 2304.11603).

    What the sound settles is predicted by a head of its own; the diffusion model adds what it leaves open.

    Convolutions only, without attention over time: it runs on any length at once and has no windows to join.

    Args:
        motion_dim: Channels of a motion.
        channels: Width.
        dilations: Of the blocks, in frames of 25 a second.
        dropout: In training.
        motion_mean: Mean of each motion channel over the training clips; ``motion_std`` its deviation.
    """

    @register_to_config
    def __init__(
        self,
        motion_dim: int = 31,
        channels: int = 96,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 1),
        dropout: float = 0.25,
        motion_mean: Sequence[float] | None = None,
        motion_std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.speech = SpeechEncoder(channels, dropout)
        self.unheard = nn.Parameter(torch.zeros(channels, 1))
        self.usual = nn.Conv1d(channels, motion_dim, 1)
        self.enter = nn.Conv1d(motion_dim, channels, 3, padding=1)
        self.steps = Timesteps(channels, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.level = TimestepEmbedding(channels, channels)
        self.join = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.blocks = nn.ModuleList(DilatedBlock(channels, d, channels, dropout) for d in dilations)
        self.leave = nn.Sequential(ChannelNorm(channels), nn.Conv1d(channels, motion_dim, 3, padding=1))
        mean = torch.zeros(motion_dim) if motion_mean is None else torch.tensor(motion_mean)
        std = torch.ones(motion_dim) if motion_std is None else torch.tensor(motion_std)
        self.register_buffer("mean", mean[:, None], persistent=False)
        self.register_buffer("std", std[:, None], persistent=False)

    def hear(self, mel: Tensor, heard: Tensor | None = None) -> Tensor:
        """Speech features (B, channels, T) of a log-mel (B, 80, 4 T) as ``without_channel`` gives it.

        A learned null stands where ``heard`` (B,) is False.
        """
        features = self.speech(mel)
        return features if heard is None else torch.where(heard[:, None, None], features, self.unheard)

    def expected(self, speech: Tensor) -> Tensor:
        """The mean motion (B, D, T), normalised, that goes with speech features: what a regressor would say."""
        return self.usual(speech)

    def forward(self, noisy: Tensor, timesteps: Tensor, speech: Tensor) -> Tensor:
        """Clean motion (B, D, T), normalised, from noisy normalised motion and the features that ``hear`` gives."""
        level = self.level(self.steps(timesteps.expand(len(noisy))).to(noisy.dtype))
        x = self.enter(noisy)
        for join, block in zip(self.join, self.blocks, strict=True):
            x = block(x + join(speech), level)
        return self.expected(speech) + self.leave(x)
