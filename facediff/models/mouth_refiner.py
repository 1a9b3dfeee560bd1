"""Makes a mouth that was warped, painted and drawn look like one that was filmed, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.codec import ResidualBlock
from facediff.models.fused import shuffle_convolved
from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.models.published import MouthRefiner as MouthRefiner

__getattr__ = find_on_demand(__name__, {"MouthRefiner": "facediff.models.published"})


FOLD = 2  # pictures are folded two by two into channels: lip maps have half their resolution


class MouthRefinerNetwork(Network):
    """A U-Net that adds to a picture of a mouth what tells it from a real one.

    Trained against a critic (Isola et al., pix2pix, CVPR 2017), with features of another network as a distance
    (Zhang et al., LPIPS, CVPR 2018): the mean of all mouths that could be, which few steps of a denoiser tend to,
    is what a critic knows at first sight.

    Args:
        channels: Width at a half, a quarter and an eighth of the resolution.
        blocks: Residual blocks at each; at the coarsest once, at the others before and after it.
        lack_channels: Numbers that say of a mouth what its source does not show.
    """

    @keep_config
    def __init__(
        self, channels: Sequence[int] = (32, 64, 128), blocks: Sequence[int] = (1, 2, 4), lack_channels: int = 2
    ) -> None:
        super().__init__()
        *fine, coarse = channels
        steps = list(zip(channels, channels[1:], strict=False))
        self.enter = nn.Conv2d(3 * FOLD**2 + 2 + lack_channels, channels[0], 3, padding=1)
        self.before = nn.ModuleList(_blocks(width, count) for width, count in zip(fine, blocks, strict=False))
        self.down = nn.ModuleList(nn.Conv2d(one, other, 3, stride=2, padding=1) for one, other in steps)
        self.middle = _blocks(coarse, blocks[-1])
        self.up = nn.ModuleList(nn.Conv2d(other, 4 * one, 1) for one, other in steps)
        self.after = nn.ModuleList(_blocks(width, count) for width, count in zip(fine, blocks, strict=False))
        self.leave = nn.Conv2d(channels[0], 3 * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor, lips: Tensor, lack: Tensor) -> Tensor:
        """What to add to pictures, (B, 3, H, W).

        Args:
            pictures: (B, 3, H, W) in [-1, 1]; H and W multiples of 8.
            lips: Maps (B, 2, H/2, W/2) in [0, 1], see ``facediff.landmarks.raster.draw_lips``.
            lack: (B, 2) from 0 to 1: how much of the opened mouth the frame lacks, and how little of it is known.
        """
        told = lack.to(pictures.dtype)[:, :, None, None].expand(-1, -1, *lips.shape[2:])
        made = self.enter(torch.cat([F.pixel_unshuffle(pictures, FOLD), lips, told], dim=1))
        kept = []
        for blocks, down in zip(self.before, self.down, strict=True):
            made = blocks(made)
            kept.append(made)
            made = down(made)
        made = self.middle(made)
        for blocks, up, skip in zip(reversed(self.after), reversed(self.up), reversed(kept), strict=True):
            made = blocks(skip + shuffle_convolved(up, made, 2))
        return shuffle_convolved(self.leave, F.silu(made), FOLD)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
