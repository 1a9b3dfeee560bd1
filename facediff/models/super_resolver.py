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
MOST_CHANGE = 0.25  # of pictures in [-1, 1]: what differs by more from its neighbours shows something else


class NeighbourDetail(nn.Module):
    """What the frames before and behind show of one that it does not show itself; nothing where they are like it.

    A neighbour has the same face a fraction of a pixel aside. What the two differ in, once each is enlarged and the
    neighbour carried to the frame by optical flow, is detail that one of them lacks, or it is a flow that went wrong:
    gates, which see what the network knows of the frame, tell them apart. No convolution of the difference has a bias,
    so of none comes none; the last begins as zero, as Make-A-Video's temporal layers do (Singer et al., ICLR 2023).

    Args:
        features: Channels of the network that knows the frame.
        channels: Width.
        blocks: Residual blocks.
    """

    def __init__(self, features: int, channels: int, blocks: int = 2) -> None:
        super().__init__()
        seen = 2 * 3 * (FOLD * SuperResolver.scale) ** 2
        self.gates = nn.Conv2d(features, channels * (blocks + 1), 1)
        self.enter = _convolve(seen, channels)
        self.first = nn.ModuleList(_convolve(channels, channels) for _ in range(blocks))
        self.second = nn.ModuleList(_convolve(channels, channels) for _ in range(blocks))
        self.leave = _convolve(channels, seen // 2)
        nn.init.zeros_(self.leave.weight)

    def forward(self, features: Tensor, changes: Tensor) -> Tensor:
        """What to add to a frame that was enlarged by itself, (B, 3, 2H, 2W).

        Args:
            features: (B, F, H/2, W/2) what ``SuperResolver.describe`` gives.
            changes: (B, 6, 2H, 2W) what the frame before and the one behind, carried to it, have more of each colour,
                for pictures in [-1, 1]; at most ``MOST_CHANGE``, and nothing where there is none.
        """
        opened, *gates = torch.sigmoid(self.gates(features)).chunk(len(self.first) + 1, dim=1)
        made = self.enter(F.pixel_unshuffle(changes * (2 / MOST_CHANGE), FOLD * SuperResolver.scale)) * opened
        for first, second, gate in zip(self.first, self.second, gates, strict=True):
            made = made + second(F.silu(first(F.silu(made)) * gate))
        return F.pixel_shuffle(self.leave(F.silu(made)), FOLD * SuperResolver.scale)


def _convolve(given: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(given, made, 3, padding=1, bias=False)


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
        temporal_channels: Width of the temporal layer; 0 for a network that has none.
    """

    scale = 2

    @register_to_config
    def __init__(self, channels: int = 64, blocks: int = 6, temporal_channels: int = 0) -> None:
        super().__init__()
        self.temporal = NeighbourDetail(channels, temporal_channels) if temporal_channels else None
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
        return self.describe(pictures, noise)[0]

    def describe(self, pictures: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What ``forward`` gives, and the features (B, channels, H/2, W/2) that it is made of, for ``temporal``."""
        folded = F.pixel_unshuffle(pictures, FOLD)
        told = (noise / MOST_NOISE).to(folded.dtype)[:, None, None, None]
        made = self.enter(torch.cat([folded, told.expand(-1, -1, *folded.shape[2:])], dim=1))
        made = F.silu(made + self.body(made))
        filtered = self.linear(self.filter_inputs(folded, told))
        return F.pixel_shuffle(self.leave(made) + filtered, FOLD * self.scale), made

    def add_temporal(self, channels: int) -> NeighbourDetail:
        """A fresh temporal layer, in the place of one that it may have; it changes nothing until it has learnt."""
        self.register_to_config(temporal_channels=channels)
        self.temporal = NeighbourDetail(self.config["channels"], channels)
        return self.temporal

    def drop_temporal(self) -> None:
        """Has no temporal layer any more: one that was taught what a network lacks fits that network alone."""
        self.register_to_config(temporal_channels=0)
        self.temporal = None

    @staticmethod
    def filter_inputs(folded: Tensor, told: Tensor) -> Tensor:
        """What the linear filter sees, (B, 36, h, w): folded pictures (B, 12, h, w) and these times the noise level.

        Args:
            folded: Pictures, two by two pixels to a place.
            told: (B, 1, 1, 1) noise over ``MOST_NOISE``; a filter is a polynomial of it.
        """
        return torch.cat([folded, told * folded, told * told * folded], dim=1)
