"""Layers that are one call of oneDNN, the library that convolves for torch on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_HAS_SUM = hasattr(torch.ops.mkldnn, "_convolution_pointwise") and torch.backends.mkldnn.is_available()
# oneDNN refuses bfloat16 on a processor without AVX-512, where torch has a slow way of its own.
_TYPES = (
    (torch.float32, torch.bfloat16) if _HAS_SUM and torch.ops.mkldnn._is_mkldnn_bf16_supported() else (torch.float32,)
)


def add_convolved(conv: nn.Conv2d, x: Tensor, beside: Tensor) -> Tensor:
    """What a convolution makes of ``x`` (B, C, h, w), and ``beside`` (B, C', h', w'), added up.

    Without gradients, on a CPU, the convolution adds as it writes: a sum of its own takes as much as a third of the
    convolution, in bfloat16. It is rounded once then, not twice. The call is one that
    torch's compiler makes. Where there is none, and for who traces, exports or watches the layer, two are made.
    """
    if not _HAS_SUM or torch.is_grad_enabled() or not _is_plain(conv, x, beside):
        made: Tensor = conv(x)
        return made + beside
    window = (conv.padding, conv.stride, conv.dilation)
    fused: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
        x, beside, conv.weight, conv.bias, *window, conv.groups, "add", None, None, [], None
    )
    return fused


def _is_plain(conv: nn.Conv2d, x: Tensor, beside: Tensor) -> bool:
    """Whether tensors are such as that call takes, and nobody looks on."""
    return (
        type(conv) is nn.Conv2d
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and not (conv._forward_hooks or conv._forward_pre_hooks)
        and x.device.type == "cpu"
        and x.dtype == beside.dtype == conv.weight.dtype
        and x.dtype in _TYPES
        and not (torch.jit.is_tracing() or torch.compiler.is_compiling())
    )
