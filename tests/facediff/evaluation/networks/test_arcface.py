from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.errors import WeightsError
from facediff.evaluation.networks.arcface import SIDE, ArcFace


def field(number: int, payload: bytes | int) -> bytes:
    """A field of a protocol buffer: a number, or bytes."""
    head, body = (number << 3 | (0 if isinstance(payload, int) else 2)), payload
    return varint(head) + (varint(body) if isinstance(body, int) else varint(len(body)) + body)


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def shape(name: str, sizes: tuple[int, ...]) -> bytes:
    dims = b"".join(field(1, field(1, size)) for size in sizes)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, dims)))


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> str:
    """An ONNX file whose vector is its input, flattened."""
    node = field(1, b"x") + field(2, b"y") + field(3, b"flat") + field(4, b"Flatten")
    graph = field(1, node) + field(2, b"g") + field(11, shape("x", (1, 3, SIDE, SIDE)))
    graph += field(12, shape("y", (1, 3 * SIDE * SIDE)))
    path = tmp_path_factory.mktemp("onnx") / "flat.onnx"
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13)))
    return str(path)


def test_the_face_is_shown_upright_in_levels_from_minus_one_to_one(flat, portrait, mesh) -> None:
    vector = ArcFace(flat)(portrait, mesh).reshape(3, SIDE, SIDE)
    assert vector.min() >= -1 and vector.max() <= 1
    turned = cv2.getRotationMatrix2D((220, 120), 25, 0.8)
    points = mesh.copy()
    points[:, :2] = mesh[:, :2] @ turned[:, :2].T + turned[:, 2]
    again = ArcFace(flat)(cv2.warpAffine(portrait, turned, (512, 512)), points).reshape(3, SIDE, SIDE)
    assert np.abs(vector - again)[:, 30:90, 25:85].mean() < 0.05
    assert vector[0].mean() > vector[2].mean()  # red comes first, and skin is red


def test_other_files_are_refused(tmp_path) -> None:
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    with pytest.raises(WeightsError, match="torn.onnx is not ArcFace"):
        ArcFace(str(tmp_path / "torn.onnx"))
