"""A diffusion model of motion over time that fills in what is not given of it: before, after, between, or beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.embeddings import TimestepEmbedding, Timesteps
from facediff.models.motion import ChannelNorm, DilatedBlock, convolve
from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.models.published import MaskedMotionDenoiser as MaskedMotionDenoiser

__getattr__ = find_on_demand(__name__, {"MaskedMotionDenoiser": "facediff.models.published"})


MANNERS = 4  # numbers of a manner: logarithms of how far angles and shifts go, and how fast each


@dataclass(frozen=True, kw_only=True)
class MotionContext:
    """What a masked denoiser is told beside the noisy motion.

    Attributes:
        given: (B, D, T) normalised motion where ``mask`` is 1, noised to ``noise_level`` if that is above 0.
        mask: (B, D, T) 1 where motion is given: frames as a whole, or some of their channels.
        speech: (B, F, T) what ``encode_speech`` gives, or zeros where nothing is heard.
        heard: (B,) whether there is sound.
        rate: (B,) frames a second of what is asked for.
        noise_level: (B,) noise variance of what is given, as LVDM's perturbation of conditions has it.
        manner: (B, MANNERS) how lively the head is, normalised; see ``facediff.motion.manner``.
        known_manner: (B,) whether that is told.
    """

    given: Tensor
    mask: Tensor
    speech: Tensor
    heard: Tensor
    rate: Tensor
    noise_level: Tensor
    manner: Tensor
    known_manner: Tensor


class MaskedMotionDenoiserNetwork(Network):
    """Predicts the velocity of noisy motion from it, from the part that is given, and from sound.

    One network for continuation, in-betweening and what goes beside given lips, told by masks which it is
    (Flexible Diffusion Modeling, Harvey et al., arXiv 2205.11495; LVDM, He et al., arXiv 2211.13221, with the noise
    level of what is given), at the frame rate that a token names (CogVideo, Hong et al., arXiv 2205.15868). It is
    taught with clips and single frames (VDM, Ho et al., arXiv 2204.03458): where frames stand alone no convolution
    reaches from one into another. Frames know each other by distance alone, so any length runs at once.

    Args:
        speech_dim: Of what ``audio_encoder`` gives for a motion frame, all its tokens together.
        audio_tokens: How many these are.
        audio_encoder: See ``facediff.models.motion.MotionDenoiser``, whose principal components it hears by.
        features: How many of these.
        motion_dim: Channels of a motion.
        channels: Width.
        dilations: Of the blocks, in frames.
        embedding: Width of the embedding of noise level, rate and manner.
        dropout: In training.
        motion_mean: Mean of each motion channel over the training clips; ``motion_std`` its deviation.
        motion_std: See ``motion_mean``.
        manner_mean: Mean over people of each number of a manner; ``manner_std`` its deviation.
        manner_std: See ``manner_mean``.
        noise_prior: What the noise of frames has in common; see ``facediff.diffusion.noise_priors``.
        rates: Lowest and highest frames a second that it was taught with.
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
        channels: int = 64,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 24, 8, 4, 1),
        embedding: int = 64,
        dropout: float = 0.1,
        motion_mean: Sequence[float] | None = None,
        motion_std: Sequence[float] | None = None,
        manner_mean: Sequence[float] = (0.0,) * MANNERS,
        manner_std: Sequence[float] = (1.0,) * MANNERS,
        noise_prior: str = "independent",
        rates: tuple[float, float] = (5.0, 25.0),
    ) -> None:
        super().__init__()
        self.principal = nn.Linear(speech_dim, features).requires_grad_(False)
        self.enter = nn.Conv1d(3 * motion_dim, channels, 3, padding=1)
        self.attend = nn.Sequential(nn.Dropout(3 * dropout), nn.Conv1d(features, channels, 1))
        self.unheard = nn.Parameter(torch.zeros(channels, 1))
        self.steps = Timesteps(embedding)
        self.level = TimestepEmbedding(embedding, embedding)
        self.told = nn.Sequential(nn.Linear(3 + MANNERS, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.blocks = nn.ModuleList(DilatedBlock(channels, d, embedding, dropout) for d in dilations)
        self.settle = ChannelNorm(channels)
        self.leave = nn.Conv1d(channels, motion_dim, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        mean = torch.tensor([0.0] * motion_dim if motion_mean is None else motion_mean, device="cpu")
        std = torch.tensor([1.0] * motion_dim if motion_std is None else motion_std, device="cpu")
        self.register_buffer("mean", mean[:, None], persistent=False)
        self.register_buffer("std", std[:, None], persistent=False)

    def encode_speech(self, heard: Tensor) -> Tensor:
        """Speech features (B, F, T) of what ``audio_encoder`` gives, (B, T, speech_dim) at 25 frames a second."""
        return self.principal(heard).mT

    def forward(self, noisy: Tensor, timesteps: Tensor, context: MotionContext, *, alone: bool = False) -> Tensor:
        """Velocity (B, D, T) of noisy normalised motion (B, D, T) at timesteps (B,).

        Args:
            noisy: What is to be denoised.
            timesteps: Of the schedule that it was trained with.
            context: What it is told.
            alone: Whether each frame is a clip of its own.
        """
        level = self.level(self.steps(timesteps.expand(len(noisy))).to(noisy.dtype))
        known = context.known_manner.to(noisy.dtype)[:, None]
        told = [(context.rate[:, None].to(noisy.dtype) / 25).log2(), context.noise_level[:, None].to(noisy.dtype)]
        told += [known, context.manner * known]
        embedding = F.silu(level + self.told(torch.cat(told, dim=1)))
        x = convolve(self.enter, torch.cat([noisy, context.given * context.mask, context.mask], dim=1), alone)
        sound = self.attend(context.speech)
        x = x + torch.where(context.heard[:, None, None], sound, self.unheard.to(sound.dtype))
        for block in self.blocks:
            x = block(x, embedding, alone=alone)
        return convolve(self.leave, self.settle(x), alone)
