"""Where a network is, told without going through all of its modules, which takes milliseconds at each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facediff.models.network import Network

if TYPE_CHECKING:
    from diffusers.models.modeling_utils import ModelMixin

_PLAIN = (torch.float32, torch.bfloat16, torch.float16)


def find_placement(network: ModelMixin | Network) -> tuple[torch.device, torch.dtype]:
    """A network's device and floating type: its first parameter's where that settles it, else as diffusers finds them.

    Only where there is an accelerator parts may wait on another device than they run on, and only what is stored in
    another type than it computes in has a first parameter that is no plain float.
    """
    first = next(network.parameters())
    if first.device.type == "cpu" and first.dtype in _PLAIN and not torch.accelerator.is_available():
        return first.device, first.dtype
    return network.device, network.dtype


def move_to(network: ModelMixin | Network, tensor: Tensor) -> Tensor:
    """A tensor on a network's device and in its floating type."""
    return tensor.to(*find_placement(network))
