"""Layers that are one call of oneDNN, the library that convolves for torch on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from typing_extensions import TypeIs

_HAS_SUM = hasattr(torch.ops.mkldnn, "_convolution_pointwise") and torch.backends.mkldnn.is_available()
# oneDNN refuses bfloat16 on a processor without AVX-512, where torch has a slow way of its own.
_TYPES = (
    (torch.float32, torch.bfloat16) if _HAS_SUM and torch.ops.mkldnn._is_mkldnn_bf16_supported() else (torch.float32,)
)


def add_convolved(conv: nn.Module, x: Tensor, beside: Tensor) -> Tensor:
    """What a convolution makes of ``x`` (B, C, h, w), and ``beside`` (B, C', h', w'), added up.

    Without gradients, on a CPU, the convolution adds as it writes: a sum of its own takes as much as a third of the
    convolution, in bfloat16. It is rounded once then, not twice. The call is one that
    torch's compiler makes. Where there is none, and for who traces, exports or watches the layer, two are made.
    """
    if not _HAS_SUM or not _is_plain(conv, x, beside):
        made: Tensor = conv(x)
        return made + beside
    window = (conv.padding, conv.stride, conv.dilation)
    fused: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
        x, beside, conv.weight, conv.bias, *window, conv.groups, "add", None, None, [], None
    )
    return fused


def shuffle_convolved(conv: nn.Module, x: Tensor, factor: int) -> Tensor:
    """``F.pixel_shuffle`` of what a convolution makes of ``x`` (B, C, h, w): (B, C', factor · h, factor · w).

    Without gradients, on a CPU, the convolution's channels come in the order in which values of a picture lie side by
    side, so that whole runs are moved; torch's kernel moves one value at a time where channels lie last.
    """
    if not _is_plain(conv, x):
        return F.pixel_shuffle(conv(x), factor)
    order = (-1, factor * factor)
    weight = conv.weight.unflatten(0, order).transpose(0, 1).flatten(0, 1)
    bias = None if conv.bias is None else conv.bias.unflatten(0, order).mT.flatten()
    made = F.conv2d(x, _as(x, weight), bias, conv.stride, conv.padding, conv.dilation).permute(0, 2, 3, 1)
    runs = made.unflatten(3, (factor, -1)).transpose(2, 3)  # (B, h, factor, w, factor · C')
    return runs.flatten(3, 4).unflatten(3, (-1, len(weight) // factor**2)).flatten(1, 2).permute(0, 3, 1, 2)


def convolve_unshuffled(conv: nn.Module, x: Tensor, factor: int) -> Tensor:
    """What a convolution makes of ``F.pixel_unshuffle`` of ``x`` (B, C, factor · h, factor · w); its pair is above.

    A convolution of single places, then, is one of squares of as many pixels, and nothing is moved.
    """
    if not _is_plain(conv, x):
        made: Tensor = conv(F.pixel_unshuffle(x, factor))
        return made
    squares = conv.weight.unflatten(1, (x.shape[1], factor * factor))
    if conv.kernel_size == conv.stride == (1, 1) and conv.padding == (0, 0):
        return F.conv2d(x, _as(x, squares.reshape(-1, x.shape[1], factor, factor)), conv.bias, factor)
    runs = x.permute(0, 2, 3, 1).unflatten(2, (-1, factor)).flatten(3).unflatten(1, (-1, factor)).transpose(2, 3)
    weight = _as(x, squares.transpose(1, 2).flatten(1, 2))
    folded = runs.flatten(3).permute(0, 3, 1, 2)
    return F.conv2d(folded, weight, conv.bias, conv.stride, conv.padding, conv.dilation)


def _as(x: Tensor, weight: Tensor) -> Tensor:
    """Weights in the order of memory that pictures (B, C, h, w) have, or oneDNN puts the pictures into another."""
    lies_last = x.is_contiguous(memory_format=torch.channels_last)
    return weight.contiguous(memory_format=torch.channels_last if lies_last else torch.contiguous_format)


def _is_plain(conv: nn.Module, x: Tensor, *beside: Tensor) -> TypeIs[nn.Conv2d]:
    """Whether tensors are such as oneDNN takes for a layer, nothing is learnt, and nobody looks on."""
    return (
        not torch.is_grad_enabled()
        and type(conv) is nn.Conv2d
        and conv.groups == 1
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and not (conv._forward_hooks or conv._forward_pre_hooks)
        and x.device.type == "cpu"
        and all(one.dtype == x.dtype for one in (conv.weight, *beside))
        and x.dtype in _TYPES
        and not (torch.jit.is_tracing() or torch.compiler.is_compiling())
    )
