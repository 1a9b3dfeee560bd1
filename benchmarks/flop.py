"""Counts what networks multiply and add, with what torch's counter does not know of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count, register_flop_formula


@register_flop_formula(torch.ops.mkldnn._convolution_pointwise)
def _count_added(x: list[int], beside: list[int], weight: list[int], *_: object, out_shape: list[int]) -> int:
    """Of a convolution that adds as it writes, see ``facediff.models.fused``."""
    return conv_flop_count(x, weight, out_shape)


@contextmanager
def count_flop() -> Iterator[FlopCounterMode]:
    """A counter of what is computed in its block; ask for its ``get_total_flops()``."""
    with FlopCounterMode(display=False) as counter:
        yield counter
