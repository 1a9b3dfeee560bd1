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
    """Log-mel at 100 columns a second to features at 25 a second that know speech sounds and forget voices.

    The network of Lin et al. 2020 (arXiv 2002.01322, section 3), convolutions over frequency and time in turn, with
    the weights of Google's speech embedding (Apache-2.0), which heard far more people than any footage shows. Two of
    its layers are read at the rate of the motion. Frozen: minutes of footage would only teach it voices by heart.
    """

    WIDTHS = (24, 24, 24, 48, 48, 48, 48, 72, 72, 72, 72, 96, 96, 96, 96, 96, 96, 96, 96)
    POOLS = {2: (2, 2), 6: (1, 2), 10: (2, 2), 14: (1, 2)}  # after these layers, over time and frequency
    LEVEL = 11.03  # takes log10 of energies of sound in [-1, 1] to the level the weights were made for
    FEATURES = 96 * 4 + 96 * 2
    BEFORE, AFTER = 28, 36  # columns beside a stretch that its first and last frame see
    PART = 250  # frames worked on at once

    def __init__(self) -> None:
        super().__init__()
        self.bands = nn.Parameter(F.pad(torch.eye(32).repeat_interleave(2, dim=1), (0, 16)))
        kernels = [(3, 3)] + [(1, 3) if k % 2 else (3, 1) for k in range(1, len(self.WIDTHS))]
        inputs = (1, *self.WIDTHS[:-1])
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, kernel, padding=(0, kernel[1] // 2))
            for i, o, kernel in zip(inputs, self.WIDTHS, kernels, strict=True)
        )
        self.centre = nn.Parameter(torch.zeros(self.FEATURES))
        self.spread = nn.Parameter(torch.ones(self.FEATURES))
        self.requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """Features (B, 576, T), each of about zero mean and unit deviation, of a natural log-mel (B, 80, 4 T)."""
        frames = mel.shape[-1] // 4
        x = torch.log10((self.bands @ mel.exp()).clamp(min=1e-6)) + self.LEVEL
        x = F.pad(x.mT[:, None], (0, 0, self.BEFORE, self.AFTER), mode="replicate")
        # Part by part, each with all that its frames see: memory stays flat and the joints cannot be told.
        parts = [
            self._part(x[:, :, 4 * start : 4 * min(start + self.PART, frames) + self.BEFORE + self.AFTER])
            for start in range(0, frames, self.PART)
        ]
        return (torch.cat(parts, dim=-1) - self.centre[:, None]) / self.spread[:, None]

    def _part(self, x: Tensor) -> Tensor:
        """Features (B, 576, n) of n frames of 4 columns each, with the columns that they see on either side."""
        frames = (x.shape[2] - self.BEFORE - self.AFTER) // 4
        for k, layer in enumerate(self.layers):
            x = F.leaky_relu(layer(x), 0.2).clamp(min=-0.4)
            if k == 14:
                early = x[:, :, 2 : 2 + frames]
            if k in self.POOLS:
                x = F.max_pool2d(x, self.POOLS[k])
        return torch.cat([y[:, :, :frames].transpose(2, 3).flatten(1, 2) for y in (early, x)], dim=1)


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
        self.speech = SpeechEncoder()
        self.unheard = nn.Parameter(torch.zeros(SpeechEncoder.FEATURES, 1))
        self.usual = nn.Conv1d(SpeechEncoder.FEATURES, motion_dim, 3, padding=1, bias=False)
        self.closes = nn.Conv1d(SpeechEncoder.FEATURES, 1, 3, padding=1)
        for solved in (self.usual, self.closes):  # by regression
            solved.requires_grad_(False)
        nn.init.zeros_(self.closes.weight)
        nn.init.constant_(self.closes.bias, -10.0)  # type: ignore[arg-type]  # never, until it is taught
        self.attend = nn.Sequential(nn.Dropout(2 * dropout), nn.Conv1d(SpeechEncoder.FEATURES, channels, 1))
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

    def encode_speech(self, mel: Tensor, heard: Tensor | None = None) -> Tensor:
        """Speech features (B, 576, T) of a natural log-mel (B, 80, 4 T); a learned null where ``heard`` is False."""
        return self.drop_condition(self.speech(mel), heard)

    def drop_condition(self, features: Tensor, heard: Tensor | None) -> Tensor:
        """The same features with a learned null where ``heard`` (B,) is False."""
        return features if heard is None else torch.where(heard[:, None, None], features, self.unheard)

    def regress_mean(self, speech: Tensor) -> Tensor:
        """The mean motion (B, D, T), normalised, that goes with speech features: what a regressor would say."""
        return self.usual(speech)

    def predict_lip_closure(self, speech: Tensor) -> Tensor:
        """How likely lips must meet, (B, T) in [0, 1]: on m, b and p, which eyes miss where a mean stays half open."""
        return self.closes(speech)[:, 0].sigmoid()

    def forward(self, noisy: Tensor, timesteps: Tensor, speech: Tensor) -> Tensor:
        """Clean motion (B, D, T), normalised, from noisy normalised motion and what ``encode_speech`` gives."""
        level = self.level(self.steps(timesteps.expand(len(noisy))).to(noisy.dtype))
        x, sound = self.enter(noisy), self.attend(speech)
        for join, block in zip(self.join, self.blocks, strict=True):
            x = block(x + join(sound), level)
        return self.regress_mean(speech) + self.leave(x)
