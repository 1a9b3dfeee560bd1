"""The denoiser of Diffusion Video Autoencoders in two sizes: ``base``, which is embedded, and ``paper``, as published.

Its picture is in the noise and in one vector of the face; where lips and eyes are may be drawn beside the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.models.modulation import DualModulationBlock

LATENT_CHANNELS = 12


class Stage(nn.Sequential):
    """Blocks and attention, one after the other; the vectors go to the blocks."""

    def forward(self, x: Tensor, time: Tensor, face: Tensor) -> Tensor:  # type: ignore[override]
        """(B, out, h, w) of (B, in, h, w), and the vectors as in ``DualModulationBlock``."""
        for part in self:
            x = part(x, time, face) if isinstance(part, DualModulationBlock) else part(x)
        return x


class DualModulationUNet(ModelMixin, ConfigMixin):
    """A UNet of ``DualModulationBlock``.

    Args:
        in_channels: Of the noisy latents.
        map_channels: Of maps that are seen beside them.
        block_out_channels: Width at each resolution, each half of the one before.
        layers_per_block: Blocks at each resolution on the way down; one more on the way up.
        attention: At which resolutions, counted from the finest, each block is followed by self-attention.
        attention_head_dim: Width of a head; None for one head as wide as the block.
        time_dim: Width of the vector of the noise level.
        face_dim: Width of the vector of the face.
        norm_num_groups: Of the normalisations.
        middle_kernel: See ``DualModulationBlock``.
        dropout: See ``DualModulationBlock``.
    """

    @register_to_config
    def __init__(
        self,
        in_channels: int = LATENT_CHANNELS,
        map_channels: int = 0,
        block_out_channels: Sequence[int] = (72, 96),
        layers_per_block: int = 1,
        attention: Sequence[int] = (1,),
        attention_head_dim: int | None = 24,
        time_dim: int = 128,
        face_dim: int = 192,
        norm_num_groups: int = 8,
        middle_kernel: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()

        def block(before: int, after: int, resample: str | None = None) -> DualModulationBlock:
            return DualModulationBlock(
                before, after, time_dim, face_dim,
                groups=norm_num_groups, middle_kernel=middle_kernel, dropout=dropout, resample=resample,
            )  # fmt: skip

        def look(width: int) -> Attention:
            head = attention_head_dim or width
            return Attention(
                width, heads=width // head, dim_head=head, bias=True, norm_num_groups=norm_num_groups,
                residual_connection=True,
            )  # fmt: skip

        widths = list(block_out_channels)
        self.time_proj = Timesteps(widths[0], flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(widths[0], time_dim)
        self.conv_in = nn.Conv2d(in_channels + map_channels, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, kept = widths[0], [widths[0]]
        for level, wide in enumerate(widths):
            for _ in range(layers_per_block):
                self.down.append(Stage(block(width, wide), *([look(wide)] if level in attention else [])))
                width = wide
                kept.append(width)
            if level < len(widths) - 1:
                self.down.append(Stage(block(width, width, "down")))
                kept.append(width)
        self.middle = Stage(block(width, width), look(width), block(width, width))
        for level, wide in reversed(list(enumerate(widths))):
            for layer in range(layers_per_block + 1):
                stage = [block(width + kept.pop(), wide), *([look(wide)] if level in attention else [])]
                width = wide
                if level and layer == layers_per_block:
                    stage.append(block(width, width, "up"))
                self.up.append(Stage(*stage))
        self.norm_out = nn.GroupNorm(norm_num_groups, width)
        self.conv_out = nn.Conv2d(width, in_channels, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)  # type: ignore[arg-type]

    def forward(self, sample: Tensor, timestep: Tensor | int, face: Tensor, maps: Tensor | None = None) -> Tensor:
        """What the schedule's ``prediction_type`` names, (B, in_channels, h, w).

        Args:
            sample: Noisy latents (B, in_channels, h, w), each side a multiple of the coarsest resolution's.
            timestep: One for all, or (B,).
            face: Vectors (B, face_dim).
            maps: (B, map_channels, h, w); None where ``map_channels`` is 0.
        """
        timesteps = torch.as_tensor(timestep, device=sample.device).expand(len(sample))
        time = self.time_embedding(self.time_proj(timesteps).to(sample.dtype))
        x = self.conv_in(sample if maps is None else torch.cat([sample, maps], dim=1))
        kept = [x]
        for stage in self.down:
            x = stage(x, time, face)
            kept.append(x)
        x = self.middle(x, time, face)
        for stage in self.up:
            x = stage(torch.cat([x, kept.pop()], dim=1), time, face)
        return self.conv_out(F.silu(self.norm_out(x)))


def base_unet(map_channels: int) -> DualModulationUNet:
    """The embedded denoiser, for latents (B, 12, 28, 28) of a face crop."""
    return DualModulationUNet(map_channels=map_channels)


def base_schedule() -> DDIMScheduler:
    """The paper's noise levels; the velocity is predicted.

    With it the clean picture that is implied errs no more at high noise than at low, and so the training regulariser,
    which compares two of them, needs no weight of its own. The last level is not quite pure noise: what is inverted
    up to it can be brought back.
    """
    return _schedule("v_prediction")


def paper_unet() -> DualModulationUNet:
    """The published denoiser: 190,576,643 parameters, on pictures (B, 3, 256, 256) in [-1, 1]."""
    return DualModulationUNet(
        in_channels=3,
        block_out_channels=(128, 128, 256, 256, 512, 512),
        layers_per_block=2,
        attention=(4,),
        attention_head_dim=None,
        time_dim=512,
        face_dim=512,
        norm_num_groups=32,
        middle_kernel=3,
        dropout=0.1,
    )


def paper_schedule() -> DDIMScheduler:
    """The published noise levels: 1,000 of them, the noise is predicted."""
    return _schedule("epsilon")


def _schedule(prediction_type: str) -> DDIMScheduler:
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.0001,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type=prediction_type,
        timestep_spacing="leading",
        clip_sample=False,
    )
