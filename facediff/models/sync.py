"""Lips and speech in one space: near where they belong together, far where they do not."""

from __future__ import annotations

import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.models.motion import ChannelNorm


class SyncNet(ModelMixin, ConfigMixin):
    """Embeds what lips do and what is heard, frame by frame, each from the 15 frames around it.

    After Chung and Zisserman, "Out of Time: Automated Lip Sync in the Wild" (ACCV 2016), with landmarks in place of
    pixels, so that faces, light and cameras cannot matter.

    Args:
        lip_dim: Channels of the lips.
        speech_dim: Channels of the speech features, those of ``MotionDenoiser.encode_speech``.
        channels: Width.
        dim: Of the embedding.
        dropout: In training.
    """

    RADIUS = 7  # frames on either side that an embedding sees

    @register_to_config
    def __init__(
        self, lip_dim: int = 17, speech_dim: int = 160, channels: int = 96, dim: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.lips = _tower(lip_dim, channels, dim, dropout)
        self.speech = _tower(speech_dim, channels, dim, dropout)

    def embed_lips(self, lips: Tensor) -> Tensor:
        """Unit vectors (B, dim, T) of lip motion (B, lip_dim, T) at 25 frames a second, of about unit deviation."""
        return F.normalize(self.lips(lips), dim=1)

    def embed_speech(self, features: Tensor) -> Tensor:
        """Unit vectors (B, dim, T) of speech features (B, speech_dim, T)."""
        return F.normalize(self.speech(features), dim=1)


def _tower(inputs: int, channels: int, dim: int, dropout: float) -> nn.Sequential:
    """Convolutions over 15 frames: 1 + 2 (1 + 2 + 4) of them."""
    layers: list[nn.Module] = [nn.Dropout(dropout), nn.Conv1d(inputs, channels, 1)]
    for dilation in (1, 2, 4):
        layers += [
            nn.SiLU(),
            ChannelNorm(channels),
            nn.Dropout(dropout),
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation),
        ]
    return nn.Sequential(*layers, nn.SiLU(), nn.Conv1d(channels, dim, 1))
