"""What MediaPipe's small networks are built of: the block of BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047).

Networks here only infer: they add in place and keep channels last, which is what makes them fast on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW_PIXELS = 9


class BlazeBlock(nn.Module):
    """A depthwise and a pointwise convolution beside the identity, which is pooled and widened with zeros as need be.

    Args:
        channels: Of the input, all groups together.
        out_channels: Of the output, not fewer.
        stride: 1 or 2; padded at the right and at the bottom, as TensorFlow does.
        groups: Blocks that run side by side, each on its share of the channels.
        activation: Makes the last step, for a number of channels.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: Callable[[int], nn.Module] = nn.PReLU,
    ) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        self.depthwise = Depthwise(channels, stride)
        self.pointwise = Pointwise(channels, out_channels, groups)
        self.activation = activation(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y, skip = self.depthwise(x), pool(x) if self.stride == 2 else x
        y = self.pointwise(y)
        if skip.shape[1] == y.shape[1]:
            y += skip
            return self.activation(y)
        narrow = skip.unflatten(1, (self.groups, -1))
        y.unflatten(1, (self.groups, -1))[:, :, : narrow.shape[2]] += narrow
        return self.activation(y)


class Depthwise(nn.Conv2d):
    """Three by three, channel by channel; on a few pixels as one product, which starts sooner than a convolution."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, channels, 3, stride, 2 - stride, groups=channels)
        self._products: dict[tuple[int, int], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = map(int, x.shape[1:])  # plain numbers, or a recording would count them anew
        if self.stride[0] == 2:
            return torch.conv2d(x, self._shifted, self.bias, 2, 1, 1, channels)
        if height * width > FEW_PIXELS or torch.is_grad_enabled():
            return super().forward(x)
        if (height, width) not in self._products:
            one_lit = torch.eye(height * width).view(-1, 1, height, width).expand(-1, channels, -1, -1)
            answers = torch.conv2d(one_lit, self.weight, None, 1, 1, 1, channels)
            self._products[height, width] = answers.flatten(2).permute(2, 0, 1).contiguous()
        pixels = x.permute(0, 2, 3, 1).reshape(height * width, channels)
        out = (self._products[height, width] * pixels).sum(1).add_(torch.as_tensor(self.bias))
        return out.view(1, height, width, channels).permute(0, 3, 1, 2)

    @cached_property
    def _shifted(self) -> Tensor:
        """Weights (C, 1, 4, 4) that read the same pixels with a border all around as (C, 1, 3, 3) with TensorFlow's."""
        return F.pad(self.weight.detach(), (1, 0, 1, 0))


class Pointwise(nn.Conv2d):
    """A convolution of one pixel as one product, its groups side by side: torch's own starts late."""

    def __init__(self, channels: int, out_channels: int, groups: int = 1) -> None:
        super().__init__(channels, out_channels, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        height, width = int(x.shape[2]), int(x.shape[3])
        bias, weight = self._ready
        pixels = x.permute(0, 2, 3, 1).reshape(height * width, self.groups, -1).transpose(0, 1)
        out = torch.baddbmm(bias, pixels, weight)
        return out.transpose(0, 1).reshape(1, height, width, -1).permute(0, 3, 1, 2)

    @cached_property
    def _ready(self) -> tuple[Tensor, Tensor]:
        """Bias (groups, 1, C of output) and weights (groups, C of input, C of output) of the product."""
        weight = self.weight.detach().view(self.groups, self.out_channels // self.groups, -1)
        return torch.as_tensor(self.bias).detach().view(self.groups, 1, -1), weight.transpose(1, 2).contiguous()


def relu(_: int) -> nn.Module:
    """A ReLU for any number of channels."""
    return nn.ReLU(inplace=True)


def pool(x: Tensor) -> Tensor:
    """The largest of two by two, (B, C, H / 2, W / 2); torch's own is slow where channels are few."""
    rows = torch.maximum(x[:, :, ::2], x[:, :, 1::2])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


def pad_for_stride(x: Tensor, kernel: int = 3) -> Tensor:
    """Zeros around even sides (B, C, H, W), as TensorFlow puts them before a convolution of stride 2."""
    before, after = (kernel - 2) // 2, (kernel - 1) // 2
    return F.pad(x, (before, after, before, after))


def as_input(image: Tensor) -> Tensor:
    """(1, 3, H, W), channels last in memory, of an image (H, W, 3)."""
    return image.permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
