from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from facediff.errors import WeightsError
from facediff.evaluation.networks import face_api
from facediff.evaluation.networks.face_api import FaceApi, _read, _residual, _same, _shown


def write(folder, name: str, tensors: dict[str, np.ndarray]) -> None:
    """Files as tfjs has them, in 8 bits where a tensor is of them."""
    data, told = b"", []
    for tensor, values in tensors.items():
        coding = {"quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}} if values.dtype == np.uint8 else {}
        told.append({"name": tensor, "shape": list(values.shape), "dtype": "float32", **coding})
        data += values.tobytes()
    (folder / f"{name}_model.bin").write_bytes(data)
    listed = [{"weights": told, "paths": [f"{name}_model.bin"]}]
    (folder / f"{name}_model-weights_manifest.json").write_text(json.dumps(listed))


def test_tensors_are_read_out_of_eight_bits_and_turned_as_torch_has_them(tmp_path, monkeypatch) -> None:
    filters = np.arange(24, dtype=np.uint8).reshape(2, 3, 1, 4)  # rows, columns, in, out
    deep = np.arange(12, dtype=np.float32).reshape(2, 3, 2, 1)  # rows, columns, channels, 1
    write(tmp_path, "age_gender", {"a/filters": filters, "b/depthwise_filter": deep, "c": np.float32([1, 2])})
    digest = hashlib.sha256((tmp_path / "age_gender_model.bin").read_bytes()).hexdigest()
    monkeypatch.setitem(face_api.SHA256, "age_gender", digest)
    found = _read(tmp_path, "age_gender")
    assert found["a/filters"].shape == (4, 1, 2, 3) and found["b/depthwise_filter"].shape == (2, 1, 2, 3)
    assert (
        float(found["a/filters"][3, 0, 1, 2]) == 23 * 0.5 - 1 and float(found["b/depthwise_filter"][1, 0, 1, 2]) == 11
    )
    assert found["c"].tolist() == [1, 2]


def test_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(WeightsError, match="is not the folder `model`"):
        FaceApi(str(tmp_path))
    write(tmp_path, "face_recognition", {"a": np.float32([1])})
    with pytest.raises(WeightsError, match="face_recognition_model.bin is not that of @vladmandic/face-api"):
        FaceApi(str(tmp_path))


def test_where_padding_is_odd_one_more_lies_behind() -> None:
    x = torch.ones(1, 1, 4, 5)
    assert _same(x, 3, 2).shape == (1, 1, 5, 7) and _same(x, 3, 1).shape == (1, 1, 6, 7)
    assert _same(x, 3, 2)[0, 0, 0, 1] == 1 and _same(x, 3, 2)[0, 0, -1].sum() == 0


def test_a_block_that_shrinks_keeps_what_it_had_and_adds_channels() -> None:
    """Whose own part is zero here, so that what is left is the mean of two by two pixels."""
    weights = {}
    for conv, (out, into) in (("conv1", (4, 2)), ("conv2", (4, 4))):
        weights |= {f"b/{conv}/conv/filters": torch.zeros(out, into, 3, 3), f"b/{conv}/conv/bias": torch.zeros(out)}
        weights |= {f"b/{conv}/scale/weights": torch.ones(out), f"b/{conv}/scale/biases": torch.zeros(out)}
    x = torch.arange(2 * 8 * 8, dtype=torch.float32).reshape(1, 2, 8, 8)
    found = _residual(x, weights, "b", is_down=True)
    assert found.shape == (1, 4, 4, 4) and not found[:, 2:].any()
    assert found[0, 0, 0, 0] == x[0, 0, :2, :2].mean()


def test_the_face_is_shown_with_eyes_and_mouth_around_the_middle(portrait, mesh) -> None:
    marked = portrait.copy()
    x, y = np.rint(mesh[13, :2]).astype(int)
    marked[y - 2 : y + 3, x - 2 : x + 3] = (0, 255, 0)
    shown = _shown(marked, mesh, 150)[0].permute(1, 2, 0).numpy() * 255 + np.array(face_api.MEAN)
    green = np.argwhere((np.abs(shown - (0, 255, 0)) < 60).all(axis=2)).mean(axis=0)
    assert green[0] == pytest.approx(105, abs=20) and green[1] == pytest.approx(75, abs=20)
