"""A diffusion model over time: from speech to the motion of a face that could be anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.embeddings import TimestepEmbedding, Timesteps
from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.models.published import MotionDenoiser as MotionDenoiser

__getattr__ = find_on_demand(__name__, {"MotionDenoiser": "facediff.models.published"})


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (B, C, T): every moment by itself, so any length will do."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def convolve(layer: nn.Conv1d, x: Tensor, alone: bool) -> Tensor:
    """A convolution over time of (B, C, T), or its middle tap by itself where frames stand alone."""
    if not alone:
        return layer(x)
    middle = layer.weight.shape[2] // 2
    return F.conv1d(x, layer.weight[:, :, middle : middle + 1], layer.bias)


class DilatedBlock(nn.Module):
    """Residual dilated convolutions over time, modulated by an embedding; alone, every frame is a clip of its own."""

    def __init__(self, channels: int, dilation: int, embedding: int | None, dropout: float) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.conv = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.out = nn.Conv1d(channels, channels, 1)
        self.modulation = nn.Linear(embedding, 2 * channels) if embedding else None
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, level: Tensor | None = None, *, alone: bool = False) -> Tensor:
        h = self.norm(x)
        if self.modulation is not None and level is not None:
            scale, shift = self.modulation(level)[:, :, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        return x + self.out(self.dropout(F.silu(convolve(self.conv, F.silu(h), alone))))


class MotionDenoiserNetwork(Network):
    """Predicts clean motion from noisy motion and sound (LaMD's diffusion of motion alone, arXiv 2304.11603).

    What the sound settles is predicted by a head of its own; the diffusion model adds what it leaves open.

    Convolutions only, without attention over time: it runs on any length at once and has no windows to join.

    Args:
        speech_dim: Of what ``audio_encoder`` gives for a motion frame, all its tokens together.
        audio_tokens: How many these are.
        audio_encoder: The encoder whose features it was trained with; see ``facediff.audio.encoder.load_encoder``.
        features: How many principal components of that are heard.
        motion_dim: Channels of a motion.
        channels: Width.
        dilations: Of the blocks, in frames of 25 a second.
        dropout: In training.
        motion_mean: Mean of each motion channel over the training clips; ``motion_std`` its deviation.
    """

    mean: Tensor
    std: Tensor

    @keep_config
    def __init__(
        self,
        speech_dim: int = 2044,
        audio_tokens: int = 2,
        audio_encoder: str = "whisper-base-4",
        features: int = 160,
        motion_dim: int = 31,
        channels: int = 96,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 1),
        dropout: float = 0.25,
        motion_mean: Sequence[float] | None = None,
        motion_std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.principal = nn.Linear(speech_dim, features)
        self.unheard = nn.Parameter(torch.zeros(features, 1))
        self.usual = nn.Conv1d(features, motion_dim, 5, padding=2, bias=False)
        self.closes = nn.Conv1d(features, 1, 3, padding=1)
        for solved in (self.principal, self.usual, self.closes):  # in closed form
            solved.requires_grad_(False)
        nn.init.zeros_(self.closes.weight)
        nn.init.constant_(self.closes.bias, -10.0)  # type: ignore[arg-type]  # never, until it is taught
        self.attend = nn.Sequential(nn.Dropout(2 * dropout), nn.Conv1d(features, channels, 1))
        self.enter = nn.Conv1d(motion_dim, channels, 3, padding=1)
        self.steps = Timesteps(channels)
        self.level = TimestepEmbedding(channels, channels)
        self.join = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.blocks = nn.ModuleList(DilatedBlock(channels, d, channels, dropout) for d in dilations)
        self.leave = nn.Sequential(ChannelNorm(channels), nn.Conv1d(channels, motion_dim, 3, padding=1))
        mean = torch.tensor([0.0] * motion_dim if motion_mean is None else motion_mean, device="cpu")
        std = torch.tensor([1.0] * motion_dim if motion_std is None else motion_std, device="cpu")
        self.register_buffer("mean", mean[:, None], persistent=False)
        self.register_buffer("std", std[:, None], persistent=False)

    def encode_speech(self, heard: Tensor) -> Tensor:
        """Speech features (B, F, T), decorrelated and of unit deviation, of what ``audio_encoder`` gives.

        Args:
            heard: (B, T, speech_dim), the tokens of a frame one after the other, at 25 frames a second.
        """
        return self.principal(heard).mT

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
