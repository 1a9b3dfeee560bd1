"""Everything DiffTalk's denoiser knows about a frame, from pictures, landmarks, head pose and sound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.encoders import MOUTH_POINTS, AudioTokens, LandmarkTokens, PoseToken
from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.conditioning.published import DiffTalkConditioner as DiffTalkConditioner

__getattr__ = find_on_demand(__name__, {"DiffTalkConditioner": "facediff.conditioning.published"})


LIP_FOLD = 4  # lip maps have half the crop's resolution, latents an eighth
# What training sees and rendering asks for must be alike, so both read it here. In eye distances around the lips. Fit
# by, seen on, range tried: unknown; as since the first version.
TRAINED_MASK_REACH = (0.10, 0.26)  # drawn anew for each pair
MASK_REACH = 0.18  # of what is rendered
# Deviation of the initial noise; less than 1 trades variety for steadiness, as few steps need. Unknown likewise.
NOISE_TEMPERATURE = 0.5


class DiffTalkConditionerNetwork(Network):
    """Sound, landmarks, head pose, reference and masked frame to ``Conditioning`` (DiffTalk, CVPR 2023, section 3.2).

    Beyond the paper: several tokens instead of one, landmarks in eye distances instead of pixels, the lips wanted by
    the motion model as maps and tokens of their own (or none), and a reference already carried to the target's
    landmarks.

    Args:
        feature_dim: Width of the speech features.
        audio_columns: Feature columns in a frame's window.
        dim: Width of the tokens.
        residual_scale: Deviation, inside the mask, of a frame's latents from those of its warped reference. That
            difference is what is denoised, at unit size: the network starts from the coarse stage and spends itself
            on what a warp cannot know (FADM's idea).
        audio_encoder: The encoder whose features it was trained with; see ``facediff.audio.encoder.load_encoder``.
    """

    @keep_config
    def __init__(
        self,
        feature_dim: int = 80,
        audio_columns: int = 32,
        dim: int = 128,
        residual_scale: float = 0.7,
        audio_encoder: str = "log-mel",
    ) -> None:
        super().__init__()
        self.audio = AudioTokens(feature_dim, audio_columns, tokens=8, dim=dim)
        self.face = LandmarkTokens(group=3, dim=dim)
        self.lips = LandmarkTokens(MOUTH_POINTS, group=5, dim=dim)
        self.pose = PoseToken(dim)

    @property
    def extra_channels(self) -> int:
        """Channels of ``concat`` beside the two latents: the mask and the folded lip maps."""
        return 1 + 2 * LIP_FOLD**2

    def tokens(
        self, window: Tensor, points: Tensor, rotation: Tensor, audio_known: Tensor | None, lips_known: Tensor | None
    ) -> Tensor:
        """All tokens (B, N, dim); see ``forward``."""
        return torch.cat(
            [
                self.audio(window, audio_known),
                self.face(points),
                self.lips(points, lips_known),
                self.pose(rotation),
            ],
            dim=1,
        )

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
        """Conditioning of B frames.

        Args:
            masked: Latents (B, L, h, w) of the frame with the mouth greyed out.
            reference: Latents (B, L, h, w) of the reference, warped to the frame's landmarks.
            mask: (B, 1, h, w) in [0, 1], 1 where the mouth is greyed out.
            lips: Lip maps (B, 2, 4h, 4w) in [0, 1].
            window: Speech features (B, columns, feature_dim).
            points: Landmarks (B, 478, 3) in eye distances from the crop's anchor.
            rotation: Head rotation (B, 3, 3).
            audio_known: (B,) False where the sound is to be ignored.
            lips_known: (B,) False where the lips are to be guessed from the sound alone.
        """
        maps = lips if lips_known is None else lips * lips_known[:, None, None, None]
        concat = torch.cat([masked, reference, mask, F.pixel_unshuffle(maps, LIP_FOLD)], dim=1)
        tokens = self.tokens(window, points, rotation, audio_known, lips_known)
        return Conditioning(concat, tokens, mask, reference, self.config["residual_scale"])

    def drop_sound(self, cond: Conditioning) -> Conditioning:
        """The same conditioning with the sound unknown, for guidance."""
        null = (self.audio.silence + self.audio.place).to(cond.tokens.dtype).expand(len(cond), -1, -1)
        return cond.with_tokens(torch.cat([null, cond.tokens[:, self.audio.tokens :]], dim=1))

    def drop_lips(self, cond: Conditioning) -> Conditioning:
        """The same conditioning with the lips unknown, as maps and as tokens, for guidance."""
        null = (self.lips.unknown + self.lips.place).to(cond.tokens.dtype).expand(len(cond), -1, -1)
        start = self.audio.tokens + self.face.tokens
        tokens = torch.cat([cond.tokens[:, :start], null, cond.tokens[:, start + self.lips.tokens :]], dim=1)
        maps = 2 * LIP_FOLD**2  # the last channels
        concat = torch.cat([cond.concat[:, :-maps], torch.zeros_like(cond.concat[:, -maps:])], dim=1)
        return replace(cond, concat=concat, tokens=tokens)
