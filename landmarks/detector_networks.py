"""Where faces are: BlazeFace for near faces and MediaPipe's full-range network for small ones.

Bazarevsky et al. 2019, arXiv 1907.05047; https://github.com/google-ai-edge/mediapipe. Both give, for each of a grid of
anchors, a box, six key points and a logit. Parts are listed as the published graphs are walked from their outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facediff.landmarks.blaze import BlazeBlock, pad_for_stride, relu

VALUES = 16  # an anchor's: centre, size, six points


class ShortRange(nn.Module):
    """Faces that fill a fifth of the picture or more."""

    side = 128
    grids = ((16, 2), (8, 6))  # anchors: places along a side, and how many a place

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 5, 2), nn.ReLU(inplace=True))
        fine = [(24, 24, 1), (24, 28, 1), (28, 32, 2), (32, 36, 1), (36, 42, 1), (42, 48, 2), (48, 56, 1), (56, 64, 1)]
        fine += [(64, 72, 1), (72, 80, 1), (80, 88, 1)]
        self.fine = nn.Sequential(*(BlazeBlock(a, b, stride=s, activation=relu) for a, b, s in fine))
        self.fine_boxes = nn.Conv2d(88, 2 * VALUES, 1)
        coarse = [(88, 96, 2), *[(96, 96, 1)] * 4]
        self.coarse = nn.Sequential(*(BlazeBlock(a, b, stride=s, activation=relu) for a, b, s in coarse))
        self.coarse_boxes = nn.Conv2d(96, 6 * VALUES, 1)
        self.fine_scores, self.coarse_scores = nn.Conv2d(88, 2, 1), nn.Conv2d(96, 6, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (896, 16) in pixels from anchors, and logits (896,), of a picture (1, 3, 128, 128) in [-1, 1]."""
        fine = self.fine(self.stem(pad_for_stride(x, 5)))
        coarse = self.coarse(fine)
        boxes = [_by_anchor(self.fine_boxes(fine), VALUES), _by_anchor(self.coarse_boxes(coarse), VALUES)]
        scores = [_by_anchor(self.fine_scores(fine), 1), _by_anchor(self.coarse_scores(coarse), 1)]
        return torch.cat(boxes), torch.cat(scores)[:, 0]


class FullRange(nn.Module):
    """Faces down to a twentieth of the picture."""

    side = 192
    grids = ((48, 1),)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(inplace=True))
        first = nn.Sequential(DoubleBlock(32, 8), DoubleBlock(32, 8), *_halve(32, 16, 64, 2))
        self.levels = nn.ModuleList(
            [
                Level(first, _project(64, 48)),
                Level(nn.Sequential(*_halve(64, 32, 128, 2)), _project(128, 64)),
                Level(nn.Sequential(*_halve(128, 48, 192, 2)), _project(192, 96)),
            ]
        )
        self.deepest = nn.Sequential(*_halve(192, 96, 384, 3), *_project(384, 96))
        self.up = nn.ModuleList(
            [
                nn.Sequential(DoubleBlock(96, 48), DoubleBlock(96, 48), *_project(96, 64)),
                nn.Sequential(DoubleBlock(64, 32), DoubleBlock(64, 32), *_project(64, 48)),
                nn.Sequential(DoubleBlock(48, 24)),
            ]
        )
        self.boxes, self.scores = _spread(48, 4 * VALUES), _spread(48, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (2304, 16) in pixels from anchors, and logits (2304,), of a picture (1, 3, 192, 192) in [-1, 1]."""
        x, kept = self.stem(x), []
        for level in self.levels:
            x, aside = level(x)
            kept.append(aside)
        x = self.deepest(x)
        for up in self.up:
            x = up(kept.pop() + F.interpolate(x, scale_factor=2, mode="bilinear"))
        return _by_place(self.boxes(x), VALUES), _by_place(self.scores(x), 1)[:, 0]


class Level(nn.Module):
    """The way to half the resolution, and what is kept of it for the way back."""

    def __init__(self, down: nn.Module, lateral: nn.Module) -> None:
        super().__init__()
        self.down, self.lateral = down, lateral

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.down(x)
        return x, self.lateral(x)


class DoubleBlock(nn.Module):
    """Two pairs of a depthwise and a pointwise convolution, narrow between them, beside the identity."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.pairs = nn.Sequential(*_pair(channels, narrow), nn.ReLU(inplace=True), *_pair(narrow, channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.pairs(x).add_(x))


def _pair(channels: int, out: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels), nn.Conv2d(channels, out, 1)]


def _project(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 1), nn.ReLU(inplace=True))


def _halve(channels: int, narrow: int, out: int, blocks: int) -> list[nn.Module]:
    """To half the resolution, and what follows there."""
    first = [*_pair(channels, narrow, 2), nn.ReLU(inplace=True), *_pair(narrow, out), nn.ReLU(inplace=True)]
    return [*first, *(DoubleBlock(out, narrow) for _ in range(blocks))]


def _spread(channels: int, out: int) -> nn.Sequential:
    """Values of four neighbours from every second place."""
    return nn.Sequential(nn.Conv2d(channels, out, 1), nn.Conv2d(out, out, 3, 2, 1, groups=out))


def _by_anchor(x: Tensor, values: int) -> Tensor:
    """(anchors, values) of a grid (1, C, H, W), row by row."""
    return x.permute(0, 2, 3, 1).reshape(-1, values)


def _by_place(x: Tensor, values: int) -> Tensor:
    """(4 * H * W, values) of a grid (1, 4 * values, H, W) whose channels hold two by two places, row by row."""
    _, _, height, width = x.shape
    return x.view(2, 2, values, height, width).permute(3, 0, 4, 1, 2).reshape(-1, values)
