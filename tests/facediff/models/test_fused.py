"""Convolutions that add as they write, or that fold pixels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from facediff.models.fused import add_convolved, convolve_unshuffled, shuffle_convolved

LAYOUTS = pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])


def make(dtype=torch.float32, side=12):
    torch.manual_seed(0)
    conv = nn.Conv2d(16, 32, 3, padding=1).to(dtype, memory_format=torch.channels_last)
    x, beside = (
        torch.randn(2, channels, side, side).to(dtype, memory_format=torch.channels_last) for channels in (16, 32)
    )
    return conv, x, beside


@LAYOUTS
def test_the_sum_is_that_of_the_two(layout):
    conv, x, beside = make()
    x, beside = x.contiguous(memory_format=layout), beside.contiguous(memory_format=layout)
    kept = beside.clone()
    with torch.inference_mode():
        together, apart = add_convolved(conv, x, beside), conv(x) + beside
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=0)
    assert torch.equal(beside, kept)


def test_in_bfloat16_it_is_at_least_as_near_to_the_truth():
    conv, x, beside = make(torch.bfloat16)
    with torch.inference_mode():
        truth = nn.functional.conv2d(x.float(), conv.weight.float(), conv.bias.float(), padding=1) + beside.float()
        together, apart = add_convolved(conv, x, beside), conv(x) + beside
    assert (together.float() - truth).abs().mean() <= (apart.float() - truth).abs().mean()


def test_gradients_pass():
    conv, x, beside = make()
    add_convolved(conv, x, beside.requires_grad_()).sum().backward()
    assert torch.equal(beside.grad, torch.ones_like(beside))
    assert conv.weight.grad is not None


def test_who_watches_the_layer_sees_it():
    conv, x, beside = make()
    seen = []
    conv.register_forward_hook(lambda *given: seen.append(given[2].shape))
    with torch.inference_mode():
        add_convolved(conv, x, beside)
    assert seen == [beside.shape]


def test_a_layer_that_stands_for_a_convolution_is_called():
    class Louder(nn.Conv2d):
        def forward(self, x):
            return 2 * super().forward(x)

    conv, x, beside = make()
    louder = Louder(16, 32, 3, padding=1)
    louder.load_state_dict(conv.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(add_convolved(louder, x, beside), 2 * conv(x) + beside, atol=1e-5, rtol=0)


FOLDS = pytest.mark.parametrize(
    ("kernel", "padding", "stride", "factor"), [(1, 0, 1, 2), (3, 1, 1, 4), (1, 0, 2, 2), (3, 1, 2, 3)]
)


@LAYOUTS
@FOLDS
@pytest.mark.parametrize("has_bias", [True, False])
def test_pixels_are_those_that_a_shuffle_makes(layout, kernel, padding, stride, factor, has_bias):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 7 * factor**2, kernel, stride, padding, bias=has_bias).to(memory_format=layout)
    x = torch.randn(2, 5, 12, 24).contiguous(memory_format=layout)
    wanted = nn.functional.pixel_shuffle(conv(x), factor)
    with torch.inference_mode():
        made = shuffle_convolved(conv, x, factor)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=0)
    assert shuffle_convolved(conv, x, factor).requires_grad


@LAYOUTS
@FOLDS
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_convolution_of_folded_pixels_is_that_of_an_unshuffle(layout, kernel, padding, stride, factor, has_bias):
    torch.manual_seed(0)
    conv = nn.Conv2d(3 * factor**2, 7, kernel, stride, padding, bias=has_bias).to(memory_format=layout)
    x = torch.randn(2, 3, 12, 24).contiguous(memory_format=layout)
    kept, wanted = x.clone(), conv(nn.functional.pixel_unshuffle(x, factor))
    with torch.inference_mode():
        made = convolve_unshuffled(conv, x, factor)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=0)
    assert torch.equal(x, kept)
    assert convolve_unshuffled(conv, x, factor).requires_grad


class Block(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x, beside):
        return add_convolved(self.conv, x, beside)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_traced_can_be_read_elsewhere():
    conv, *given = make()
    with torch.no_grad():
        traced = torch.jit.trace(Block(conv), given)
    assert "convolution" in str(traced.inlined_graph)
    assert "mkldnn" not in str(traced.inlined_graph)


def test_what_is_exported_can_be_read_elsewhere():
    conv, *given = make()
    with torch.no_grad():
        exported = torch.export.export(Block(conv), tuple(given))
    assert "mkldnn" not in str(exported.graph)
