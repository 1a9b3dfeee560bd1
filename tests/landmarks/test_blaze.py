from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from facediff.landmarks.blaze import BlazeBlock, Pointwise, pad_for_stride, pool, relu


@pytest.mark.parametrize("channels, out, stride", [(8, 8, 1), (8, 12, 1), (8, 8, 2), (8, 16, 2)])
@torch.no_grad()
def test_groups_are_blocks_side_by_side(channels, out, stride):
    torch.manual_seed(0)
    alone = [BlazeBlock(channels, out, stride=stride) for _ in range(3)]
    together = BlazeBlock(3 * channels, 3 * out, stride=stride, groups=3)
    states = [block.state_dict() for block in alone]
    together.load_state_dict({key: torch.cat([state[key] for state in states]) for key in states[0]})
    x = torch.randn(1, 3 * channels, 6, 6).contiguous(memory_format=torch.channels_last)
    want = torch.cat([block(part) for block, part in zip(alone, x.chunk(3, 1), strict=True)], 1)
    torch.testing.assert_close(together(x), want)


@torch.no_grad()
def test_a_block_adds_what_it_makes_to_what_came():
    block = BlazeBlock(4, 6, activation=relu)
    for parameter in block.parameters():
        parameter.zero_()
    block.pointwise.bias.fill_(-0.25)
    x = torch.randn(1, 4, 5, 5)
    want = F.relu(F.pad(x, (0, 0, 0, 0, 0, 2)) - 0.25)
    torch.testing.assert_close(block(x.clone()), want)


@torch.no_grad()
def test_grouped_pixels_are_what_a_convolution_makes():
    layer = Pointwise(12, 6, 3)
    x = torch.randn(1, 12, 4, 5)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, layer.bias, groups=3))


def test_pooling_is_that_of_torch():
    x = torch.randn(1, 5, 8, 6)
    torch.testing.assert_close(pool(x), F.max_pool2d(x, 2))


@pytest.mark.parametrize("kernel, before, after", [(3, 0, 1), (5, 1, 2)])
def test_padding_is_more_at_the_end(kernel, before, after):
    padded = pad_for_stride(torch.ones(1, 1, 4, 4), kernel)[0, 0]
    assert padded.shape == (4 + before + after,) * 2
    assert padded[before : before + 4, before : before + 4].all() and padded.sum() == 16
