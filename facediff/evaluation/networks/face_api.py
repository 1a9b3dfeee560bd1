"""Judges of identity, expression, age and sex, whose weights the npm package @vladmandic/face-api carries (MIT).

They are networks of tfjs in 8 bits: a residual one, which is dlib's, and two small ones of separable convolutions. What
is here reads their files and runs their layers; ``npm pack @vladmandic/face-api@1.7.15`` gets the package.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facediff.errors import WeightsError
from facediff.landmarks.mesh import LEFT_EYE, LIPS_OUTER, RIGHT_EYE
from facediff.types import Frame, Points

MEAN = (122.782, 117.001, 104.298)
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
SHA256 = {
    "face_recognition": "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
    "face_expression": "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
    "age_gender": "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
}
# The square that is shown: its side over the distance of eyes and mouth, and where their middle lies in it.
REACH, MIDDLE = 1 / 0.45, (0.5, 0.43)
Weights = dict[str, Tensor]


class Judgement(NamedTuple):
    """What is said of a face.

    Attributes:
        expressions: (7,) how likely each of ``EXPRESSIONS`` is.
        age: In years.
        male: How likely it is that of a man.
    """

    expressions: NDArray[np.float64]
    age: float
    male: float


class FaceApi:
    """The three judges.

    Args:
        folder: ``model`` of the package.

    Raises:
        WeightsError: It holds other files.
    """

    def __init__(self, folder: str) -> None:
        self._recognition, self._expression, self._age = (_read(Path(folder), name) for name in SHA256)

    @torch.inference_mode()
    def recognise(self, picture: Frame, points: Points) -> NDArray[np.float64]:
        """Who it is: a vector (128,) of the face of a picture with landmarks (478, 3)."""
        weights = self._recognition
        x = F.relu(_scaled(_shown(picture, points, 150), weights, "conv32_down", stride=2, padding=0))
        x = F.max_pool2d(x, 3, 2)
        blocks = dict.fromkeys(name.split("/")[0] for name in weights if "/conv1/" in name)
        for block in blocks:
            x = _residual(x, weights, block, is_down="down" in block)
        return (x.mean(dim=(2, 3)) @ weights["fc"])[0].double().numpy()

    @torch.inference_mode()
    def judge(self, picture: Frame, points: Points) -> Judgement:
        """What the face of a picture with landmarks (478, 3) shows."""
        shown = _shown(picture, points, 112)
        x = shown
        for number in range(4):
            x = _dense(x, self._expression, f"dense{number}")
        x = F.avg_pool2d(x, 7, 2).permute(0, 2, 3, 1).flatten(1)
        expressions = _linear(x, self._expression, "fc").softmax(dim=1)[0]
        x = F.avg_pool2d(_xception(shown, self._age), 7, 2).permute(0, 2, 3, 1).flatten(1)
        age, sex = _linear(x, self._age, "fc/age")[0, 0], _linear(x, self._age, "fc/gender").softmax(dim=1)[0]
        return Judgement(expressions.double().numpy(), float(age), float(sex[0]))


def _read(folder: Path, name: str) -> Weights:
    """The tensors of a network, convolutions as torch has them: out, in, rows, columns."""
    file, listed = folder / f"{name}_model.bin", folder / f"{name}_model-weights_manifest.json"
    try:
        data, manifest = file.read_bytes(), json.loads(listed.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder} is not the folder `model` of @vladmandic/face-api: {error}") from error
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        raise WeightsError(f"{file} is not that of @vladmandic/face-api 1.7.15; get that version")
    found, start = {}, 0
    for told in manifest[0]["weights"]:
        coding = told.get("quantization")
        kind = np.dtype(coding["dtype"] if coding else told["dtype"])
        count = int(np.prod(told["shape"]))
        values = np.frombuffer(data, kind, count, start).astype(np.float32)
        start += count * kind.itemsize
        if coding:
            values = values * np.float32(coding["scale"]) + np.float32(coding["min"])
        tensor = torch.from_numpy(values.reshape(told["shape"]))
        if tensor.ndim == 4:
            tensor = (
                tensor.permute(2, 3, 0, 1) if told["name"].endswith("depthwise_filter") else tensor.permute(3, 2, 0, 1)
            )
        found[told["name"]] = tensor.contiguous()
    return found


def _shown(picture: Frame, points: Points, side: int) -> Tensor:
    """The face (1, 3, side, side) as the networks want it, cut as their own package cuts it."""
    eyes, mouth = (points[part, :2].mean(axis=0) for part in (RIGHT_EYE, LEFT_EYE)), points[LIPS_OUTER, :2].mean(axis=0)
    right, left = eyes
    width = float(np.linalg.norm(mouth - right) + np.linalg.norm(mouth - left)) / 2 * REACH
    corner = (right + left + mouth) / 3 - width * np.array(MIDDLE)
    zoom = side / width
    matrix = np.array([[zoom, 0, -zoom * corner[0]], [0, zoom, -zoom * corner[1]]])
    crop = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
    levels = torch.from_numpy(crop).permute(2, 0, 1)[None].float()
    return (levels - torch.tensor(MEAN).view(1, 3, 1, 1)) / 255


def _scaled(x: Tensor, weights: Weights, name: str, *, stride: int = 1, padding: int = 1) -> Tensor:
    x = F.conv2d(x, weights[f"{name}/conv/filters"], weights[f"{name}/conv/bias"], stride, padding)
    return x * weights[f"{name}/scale/weights"].view(1, -1, 1, 1) + weights[f"{name}/scale/biases"].view(1, -1, 1, 1)


def _residual(x: Tensor, weights: Weights, name: str, *, is_down: bool) -> Tensor:
    if not is_down:
        return F.relu(_scaled(F.relu(_scaled(x, weights, f"{name}/conv1")), weights, f"{name}/conv2") + x)
    out = F.relu(_scaled(x, weights, f"{name}/conv1", stride=2, padding=0))
    out = _scaled(out, weights, f"{name}/conv2")
    pooled = F.avg_pool2d(x, 2, 2)
    pooled = F.pad(pooled, (0, 0, 0, 0, 0, out.shape[1] - pooled.shape[1]))
    return F.relu(F.pad(out, (0, pooled.shape[3] - out.shape[3], 0, pooled.shape[2] - out.shape[2])) + pooled)


def _same(x: Tensor, size: int, stride: int, value: float = 0.0) -> Tensor:
    """Padded as tfjs does for ``same``: where it is odd, one more behind than before."""
    before = []
    for extent in (x.shape[3], x.shape[2]):
        total = max((-(-extent // stride) - 1) * stride + size - extent, 0)
        before += [total // 2, total - total // 2]
    return F.pad(x, before, value=value)


def _separable(x: Tensor, weights: Weights, name: str, stride: int = 1) -> Tensor:
    x = F.conv2d(_same(x, 3, stride), weights[f"{name}/depthwise_filter"], None, stride, groups=x.shape[1])
    return F.conv2d(x, weights[f"{name}/pointwise_filter"], weights[f"{name}/bias"])


def _conv(x: Tensor, weights: Weights, name: str, stride: int) -> Tensor:
    filters = weights[f"{name}/filters"]
    return F.conv2d(_same(x, filters.shape[2], stride), filters, weights[f"{name}/bias"], stride)


def _linear(x: Tensor, weights: Weights, name: str) -> Tensor:
    return x @ weights[f"{name}/weights"] + weights[f"{name}/bias"]


def _dense(x: Tensor, weights: Weights, name: str) -> Tensor:
    is_first = f"{name}/conv0/filters" in weights
    total = F.relu(_conv(x, weights, f"{name}/conv0", 2) if is_first else _separable(x, weights, f"{name}/conv0", 2))
    shown = total
    for number in (1, 2, 3):
        total = total + _separable(shown, weights, f"{name}/conv{number}")
        shown = F.relu(total)
    return shown


def _reduction(x: Tensor, weights: Weights, name: str, *, is_bent: bool = True) -> Tensor:
    out = _separable(F.relu(x) if is_bent else x, weights, f"{name}/separable_conv0")
    out = _separable(F.relu(out), weights, f"{name}/separable_conv1")
    out = F.max_pool2d(_same(out, 3, 2, value=-torch.inf), 3, 2)
    return out + _conv(x, weights, f"{name}/expansion_conv", 2)


def _xception(x: Tensor, weights: Weights) -> Tensor:
    x = F.relu(_conv(x, weights, "entry_flow/conv_in", 2))
    x = _reduction(x, weights, "entry_flow/reduction_block_0", is_bent=False)
    x = _reduction(x, weights, "entry_flow/reduction_block_1")
    for block in ("middle_flow/main_block_0", "middle_flow/main_block_1"):
        out = x
        for number in range(3):
            out = _separable(F.relu(out), weights, f"{block}/separable_conv{number}")
        x = x + out
    x = _reduction(x, weights, "exit_flow/reduction_block")
    return F.relu(_separable(x, weights, "exit_flow/separable_conv"))
