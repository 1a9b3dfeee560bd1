"""Makes pictures twice as large with the detail that an enlarged one lacks, in one call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.models.codec import ResidualBlock

FOLD = 2  # pictures are folded two by two into channels: at full size, convolutions wait for memory
# Share that is added of what an enlarged picture, halved again, lacks of the one that it was made of; none of noise.
# The network has learnt with 0.7. Fit by: PSNR. Seen on: 30 training portraits that its last rounds had not, halved in
# four ways. Range tried: 0 to 1: the more, the better for means of two by two, and the worse for JPEG.
BACK_PROJECTED = 0.8
MOST_NOISE = 0.1  # standard deviation in pictures of [-1, 1] up to which it is trained


class SuperResolver(ModelMixin, ConfigMixin):
    """A residual network that says what bicubic enlargement lacks (Lim et al., EDSR, CVPR Workshops 2017).

    Beside it goes one linear filter for each noise level, the best that there is: it finds most of what is lacking, and
    can be had without any training (Romano et al., RAISR, 2017, have one for each kind of edge).

    It is told how noisy its input is: the conditioning augmentation by which one stage of a cascade bears with the
    flaws of the one before (Ho et al., Cascaded Diffusion Models, JMLR 2022; Imagen Video, 2022). One call is the last
    step of such a stage, from no noise in the output: of several, each made detail that trembles from frame to frame.

    Args:
        channels: Width; all work happens at half of the input's resolution.
        blocks: Residual blocks.
    """

    scale = 2

    @register_to_config
    def __init__(self, channels: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.linear = nn.Conv2d(9 * FOLD**2, 3 * (FOLD * self.scale) ** 2, 3, padding=1)
        self.enter = nn.Conv2d(3 * FOLD**2 + 1, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.leave = nn.Conv2d(channels, 3 * (FOLD * self.scale) ** 2, 3, padding=1)
        for last in (self.linear, self.leave):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor, noise: Tensor) -> Tensor:
        """What to add to pictures that were enlarged bicubically, (B, 3, 2H, 2W).

        Args:
            pictures: (B, 3, H, W) in [-1, 1]; H and W even.
            noise: (B,) standard deviation of the noise in each, in the same units, from 0 to ``MOST_NOISE``.
        """
        folded = F.pixel_unshuffle(pictures, FOLD)
        told = (noise / MOST_NOISE).to(folded.dtype)[:, None, None, None]
        made = self.enter(torch.cat([folded, told.expand(-1, -1, *folded.shape[2:])], dim=1))
        made = made + self.body(made)
        filtered = self.linear(self.filter_inputs(folded, told))
        return F.pixel_shuffle(self.leave(F.silu(made)) + filtered, FOLD * self.scale)

    @staticmethod
    def filter_inputs(folded: Tensor, told: Tensor) -> Tensor:
        """What the linear filter sees, (B, 36, h, w): folded pictures (B, 12, h, w) and these times the noise level.

        Args:
            folded: Pictures, two by two pixels to a place.
            told: (B, 1, 1, 1) noise over ``MOST_NOISE``; a filter is a polynomial of it.
        """
        return torch.cat([folded, told * folded, told * told * folded], dim=1)
