"""What networks of this package have in common, without diffusers: how they were made, and where they are.

diffusers takes seconds to import, and who only renders calls none of it. So each network is a ``Network`` first; the
class of the same weights and files that diffusers knows, a ``ModelMixin``, is in ``facediff.models.published``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"


class Network(nn.Module):
    """A module that keeps what it was made with.

    Attributes:
        config: That, by the names of its arguments.
    """

    config: dict[str, Any]

    @property
    def device(self) -> torch.device:
        """That of its first parameter."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """That of its first parameter."""
        return next(self.parameters()).dtype


N = TypeVar("N", bound=Network)


def keep_config(init: Callable[..., None]) -> Callable[..., None]:
    """Has the ``__init__`` of a ``Network`` keep its arguments, defaults too, in ``config``.

    A class that has a ``config`` of its own keeps them by itself, as those of diffusers do.
    """
    taken = signature(init)

    @wraps(init)
    def made(self: Network, *args: Any, **settings: Any) -> None:
        if not hasattr(type(self), "config"):
            bound = taken.bind(self, *args, **settings)
            bound.apply_defaults()
            self.config = dict(list(bound.arguments.items())[1:])
        init(self, *args, **settings)

    return made


def read_config(folder: Path) -> dict[str, Any]:
    """What the network in a folder was made with.

    Raises:
        OSError, ValueError: There is none, or its file is damaged.
    """
    told = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise ValueError(f"{folder / CONFIG} is no object of names and values")
    return {name: value for name, value in told.items() if not name.startswith("_")}


def read_network(kind: type[N], folder: Path, dtype: torch.dtype = torch.float32) -> tuple[N, list[str], list[str]]:
    """The network in a folder, in eval mode, with the names of weights that it lacks and of those that it knows not.

    Its parameters take no numbers before those of the file. Buffers that are in no file are made on the CPU whatever
    the device is, so a network says so where it makes them.

    Args:
        kind: Its class.
        folder: As diffusers writes it, ``config.json`` and the weights.
        dtype: Of its weights.

    Raises:
        OSError, ValueError, TypeError, RuntimeError: It is damaged, or is another network's.
    """
    config = read_config(folder)
    known = signature(kind.__init__).parameters
    with torch.device("meta"):
        network = kind(**{name: value for name, value in config.items() if name in known})
    try:
        kept = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise ValueError(f"{folder / WEIGHTS} is damaged ({error})") from error
    weights = {name: _cast(tensor, dtype) for name, tensor in kept.items()}
    lacking, unknown = network.load_state_dict(weights, strict=False, assign=True)
    for name, buffer in network.named_buffers():
        if buffer.is_floating_point() and buffer.dtype != dtype:
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, buffer.to(dtype))
    return network.eval(), list(lacking), list(unknown)


def _cast(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
