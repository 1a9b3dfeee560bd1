"""Whether a pixel belongs to a person: MediaPipe's selfie segmentation (general model, 256 by 256 pixels).

An encoder after MobileNetV3 (Howard et al. 2019, arXiv 1905.02244) and a decoder that takes up its finer levels. Parts
are listed as the published graph is walked from its output.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facediff.landmarks.blaze import pad_for_stride

INPUT_SIDE = 256


class Segmenter(nn.Module):
    """A picture (1, 3, 256, 256) in [0, 1] to the share of a person in each pixel, (256, 256) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2)
        self.to_quarter = Bottleneck(16, 16, 16, stride=2, gate=8)
        self.quarter = nn.Sequential(Bottleneck(16, 72, 24, stride=2), Bottleneck(24, 88, 24))
        self.eighth = nn.Sequential(
            Bottleneck(24, 96, 32, kernel=5, stride=2, gate=24, swish=True),
            *(Bottleneck(32, wide, 32, kernel=5, gate=wide // 4, swish=True) for wide in (128, 128, 96, 96)),
        )
        self.wide, self.wide_gate = nn.Conv2d(32, 128, 1), nn.Conv2d(32, 128, 1)
        self.up = nn.ModuleList([Merge(128, 24), Merge(24, 16), Merge(16, 16)])
        self.out = nn.ConvTranspose2d(16, 1, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        first = F.hardswish(self.stem(pad_for_stride(x)))
        half = self.to_quarter(first)
        quarter = self.quarter(half)
        x = self.eighth(quarter)
        x = F.relu(self.wide(x)) * torch.sigmoid(self.wide_gate(x.mean((2, 3), keepdim=True)))
        for up, finer in zip(self.up, (quarter, half, first), strict=True):
            x = up(x, finer)
        return torch.sigmoid(self.out(x))[0, 0]


class Bottleneck(nn.Module):
    """Widen, convolve by channel, weigh the channels, narrow; beside the identity where the shape stays."""

    def __init__(
        self,
        channels: int,
        wide: int,
        out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        gate: int = 0,
        swish: bool = False,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.swish = kernel, stride, swish
        self.widen = nn.Conv2d(channels, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, kernel, stride, 0 if stride == 2 else kernel // 2, groups=wide)
        self.gate = Gate(wide, gate) if gate else None
        self.narrow = nn.Conv2d(wide, out, 1)
        self.keeps = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        act = F.hardswish if self.swish else F.relu
        y = act(self.widen(x))
        y = act(self.depthwise(pad_for_stride(y, self.kernel) if self.stride == 2 else y))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.narrow(y)
        return y + x if self.keeps else y


class Gate(nn.Module):
    """A weight for each channel, from their means (squeeze and excitation; Hu et al. 2018, arXiv 1709.01507)."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Merge(nn.Module):
    """A coarser level brought to twice its size, with what a finer one of the encoder adds to it."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.narrow, self.gate = nn.Conv2d(channels, out, 1), Gate(out, out)
        self.mix, self.depthwise = nn.Conv2d(out, out, 1), nn.Conv2d(out, out, 3, 1, 1, groups=out)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        x = self.narrow(F.interpolate(x, scale_factor=2, mode="bilinear"))
        x = F.relu(self.mix(finer * self.gate(finer + x) + x))
        return x + F.relu(self.depthwise(x))
