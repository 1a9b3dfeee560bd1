"""The convolutions of AlexNet and the weights of LPIPS over them."""

from __future__ import annotations

import importlib.util
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from facediff.errors import MissingExtra, WeightsError

MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of pictures in [-1, 1]
TAPS = (1, 4, 7, 9, 11)  # behind whose layers features are compared


class AlexTrunk(nn.Module):
    """AlexNet up to its fifth convolution, layers numbered as torchvision numbers them."""

    def __init__(self) -> None:
        super().__init__()
        relu = nn.ReLU(inplace=False)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), relu, nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), relu, nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), relu,
            nn.Conv2d(384, 256, 3, padding=1), relu,
            nn.Conv2d(256, 256, 3, padding=1), relu,
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Features of each of the five layers of pictures (B, 3, H, W) in [-1, 1]."""
        x = (pictures - pictures.new_tensor(MEAN).view(1, 3, 1, 1)) / pictures.new_tensor(DEVIATION).view(1, 3, 1, 1)
        found = []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in TAPS:
                found.append(x)
        return found


def load_state(path: str | Path, what: str) -> dict[str, Tensor]:
    """The tensors of a file of torch, which runs no code of its own.

    Raises:
        WeightsError: It is none.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{path} is not {what}: {said}") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} is not {what}: it holds no tensors by name")
    return state


def load_trunk(path: str) -> AlexTrunk:
    """The trunk of AlexNet's weights.

    Raises:
        WeightsError: They are another network's.
    """
    trunk, state = AlexTrunk(), load_state(path, "AlexNet of torchvision")
    try:
        trunk.load_state_dict({name: state[name] for name in trunk.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"{path} is not AlexNet of torchvision: {str(error).splitlines()[0]}") from error
    return trunk.eval()


def load_heads() -> list[Tensor]:
    """The weights (C,) of each layer's channels that LPIPS 0.1 has learnt, which torchmetrics carries.

    Raises:
        MissingExtra: It is not installed.
    """
    spec = importlib.util.find_spec("torchmetrics")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("torchmetrics", "eval", "LPIPS")
    file = Path(spec.submodule_search_locations[0]) / "functional" / "image" / "lpips_models" / "alex.pth"
    state = load_state(file, "the weights of LPIPS")
    return [state[f"lin{layer}.model.1.weight"].flatten() for layer in range(len(TAPS))]


def load_script(path: str, what: str) -> Any:
    """The network of a TorchScript file.

    Raises:
        WeightsError: It is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a format in which published files are
            return torch.jit.load(path, map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(f"{path} is not {what} as TorchScript: {str(error).splitlines()[0]}") from error
