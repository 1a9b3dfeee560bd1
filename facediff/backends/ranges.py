"""Networks in whole numbers: layers whose inputs are rounded to 256 levels and weights to 255, between known ends.

The ends are measured beforehand, on faces that speak, and travel beside the weights; a network without them, or of
other weights, is left in floating point. What is rounded here is a copy in torch; a back end turns it into
integer arithmetic.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(CVPR 2018), section 2: an affine map for activations, a symmetric one for each output channel's weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from facediff.backends.store import hash_weights

FILE = "ranges.json"
LAYERS = (nn.Conv2d, nn.Linear)
_LEVELS, _WEIGHT_LEVELS = 255, 127
Ranges = Mapping[str, tuple[float, float]]


@contextmanager
def record_ranges(module: nn.Module) -> Iterator[dict[str, tuple[float, float]]]:
    """The least and greatest input of every layer, by its name, of all calls within the block."""
    ends: dict[str, tuple[float, float]] = {}

    def look(name: str, given: tuple[Tensor, ...]) -> None:
        low, high = (float(end) for end in torch.aminmax(given[0].detach().float()))
        before = ends.get(name, (0.0, 0.0))
        ends[name] = (min(low, before[0]), max(high, before[1]))

    hooks = [
        layer.register_forward_pre_hook(lambda _, given, name=name: look(name, given))
        for name, layer in module.named_modules()
        if isinstance(layer, LAYERS)
    ]
    try:
        yield ends
    finally:
        for hook in hooks:
            hook.remove()


def write_ranges(path: Path, module: nn.Module, ranges: Ranges) -> None:
    """Keeps ranges beside the weights that they were measured of."""
    told = {name: [float(f"{end:.4g}") for end in ends] for name, ends in ranges.items()}
    path.write_text(json.dumps({"weights": hash_weights(module), "ranges": told}, indent=1) + "\n", encoding="utf-8")


def read_ranges(path: Path, module: nn.Module) -> Ranges | None:
    """The ranges of a network; None where there are none, or they are of other weights."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["weights"] != hash_weights(module):
            return None
        return {name: (float(low), float(high)) for name, (low, high) in held["ranges"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def round_layers(module: nn.Module, ranges: Ranges) -> nn.Module:
    """The network itself, in float32, with its layers put in such as round; those without a range stay."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, LAYERS) and name in ranges and ranges[name][1] > ranges[name][0]:
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, _Rounded(layer, *ranges[name]))
    return module


class _Rounded(nn.Module):
    """A layer whose input and weights are rounded."""

    per_channel: Tensor
    none: Tensor

    def __init__(self, layer: nn.Conv2d | nn.Linear, low: float, high: float) -> None:
        super().__init__()
        self.layer = layer
        self.scale = (high - low) / _LEVELS
        self.zero = round(-low / self.scale)
        weight = torch.as_tensor(layer.weight)
        per_channel = weight.detach().flatten(1).abs().amax(1).clamp(min=1e-12) / _WEIGHT_LEVELS
        self.register_buffer("per_channel", per_channel)
        self.register_buffer("none", torch.zeros(len(per_channel), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, 0, _LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            self.layer.weight, self.per_channel, self.none, 0, -_WEIGHT_LEVELS, _WEIGHT_LEVELS
        )
        if isinstance(self.layer, nn.Linear):
            return nn.functional.linear(x, weight, self.layer.bias)
        return self.layer._conv_forward(x, weight, self.layer.bias)
