"""DiffTalk's conditioning as published: two vectors side by side in one token."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.encoders import UPPER_FACE


class DiffTalkPaperConditioner(ModelMixin, ConfigMixin):
    """Masked frame and reference as latents; sound and landmarks as one token (DiffTalk, CVPR 2023, section 3.2).

    Cross-attention to a single token is a learned bias: whatever asks, the one answer has all the weight. It is kept
    for comparison and for weights trained elsewhere; ``DiffTalkConditioner`` gives several tokens. Head pose and lips
    are not looked at.

    Args:
        feature_dim: Width of the speech features; 29 for DeepSpeech's letters.
        audio_columns: Columns of a window: ``neighbours`` windows of 16 columns, one after the other.
        neighbours: Frames that are pooled.
        landmark_scale: The paper's landmarks are in pixels of a 256×256 crop; ours are multiplied by this.
        audio_encoder: Name of the encoder whose features it was trained with.
    """

    STEPS = 16  # columns to a frame's own window

    @register_to_config
    def __init__(
        self,
        feature_dim: int = 29,
        audio_columns: int = 128,
        neighbours: int = 8,
        landmark_scale: float = 96.0,
        audio_encoder: str = "deepspeech",
    ) -> None:
        super().__init__()
        if audio_columns != neighbours * self.STEPS:
            raise ValueError(f"{neighbours} windows of {self.STEPS} columns are not {audio_columns} columns")
        self.audio = _AudioNet(feature_dim)
        self.pool = _WindowPool(neighbours)
        points = len(UPPER_FACE)
        self.landmarks = nn.Sequential(
            nn.Linear(2 * points, 128), nn.LeakyReLU(0.02), nn.Linear(128, 64), nn.LeakyReLU(0.02), nn.Linear(64, 64)
        )
        self.silence = nn.Parameter(torch.zeros(64), requires_grad=False)  # the paper drops no sound: guidance is ours

    @property
    def extra_channels(self) -> int:
        """Channels of ``concat`` beside the two latents."""
        return 0

    def forward(
        self,
        masked: Tensor,
        reference: Tensor,
        mask: Tensor,
        lips: Tensor,
        window: Tensor,
        points: Tensor,
        rotation: Tensor,
        *,
        audio_known: Tensor | None = None,
        lips_known: Tensor | None = None,
    ) -> Conditioning:
        """See ``DiffTalkConditioner.forward``; ``tokens`` is (B, 1, 128)."""
        windows = window.unflatten(1, (-1, self.STEPS))
        heard = self.pool(self.audio(windows.flatten(0, 1)).unflatten(0, windows.shape[:2]))
        if audio_known is not None:
            heard = torch.where(audio_known[:, None], heard, self.silence.to(heard.dtype))
        upper = points[:, list(UPPER_FACE), :2].flatten(1) * self.config["landmark_scale"]
        token = torch.cat([heard, self.landmarks(upper)], dim=1)[:, None]
        return Conditioning(torch.cat([masked, reference], dim=1), token, mask)

    def drop_sound(self, cond: Conditioning) -> Conditioning:
        """The same conditioning with the sound unknown, for guidance."""
        face = cond.tokens[..., 64:]
        return cond.with_tokens(torch.cat([self.silence.to(face.dtype).expand_as(face), face], dim=-1))


class _AudioNet(nn.Module):
    """A window (B, 16, feature_dim) to a vector (B, 64): four strided convolutions and two layers (AD-NeRF's)."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        widths = (feature_dim, 32, 32, 64, 64)
        self.convolutions = nn.Sequential(
            *(
                part
                for i, o in zip(widths, widths[1:], strict=False)
                for part in (nn.Conv1d(i, o, 3, stride=2, padding=1), nn.LeakyReLU(0.02))
            )
        )
        self.out = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.02), nn.Linear(64, 64))

    def forward(self, window: Tensor) -> Tensor:
        return self.out(self.convolutions(window.transpose(1, 2)).squeeze(-1))


class _WindowPool(nn.Module):
    """Vectors (B, n, 64) of neighbouring windows to one (B, 64), by weights that see half of their channels."""

    SEEN = 32

    def __init__(self, neighbours: int) -> None:
        super().__init__()
        widths = (self.SEEN, 16, 8, 4, 2, 1)
        self.score = nn.Sequential(
            *(
                part
                for i, o in zip(widths, widths[1:], strict=False)
                for part in (nn.Conv1d(i, o, 3, padding=1), nn.LeakyReLU(0.02))
            )
        )
        self.weigh = nn.Linear(neighbours, neighbours)

    def forward(self, vectors: Tensor) -> Tensor:
        score = self.score(vectors[..., : self.SEEN].transpose(1, 2)).squeeze(1)
        return (self.weigh(score).softmax(dim=1)[..., None] * vectors).sum(dim=1)
