"""TFRecord files of pictures without TensorFlow: the framing, and as much of protocol buffers as an Example needs.

Source: the format's documentation, https://www.tensorflow.org/tutorials/load_data/tfrecord; checksums are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from facediff.errors import InputError
from facediff.types import Frame

_VARINT, _BYTES = 0, 2


def count_records(path: Path) -> int:
    """How many records a file holds; their contents are skipped.

    Raises:
        InputError: It ends in the middle of one.
    """
    return sum(1 for _ in _spans(path))


def _spans(path: Path) -> Iterator[tuple[int, int]]:
    """Where each record begins, and its length."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(12)
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else size
            if at + 16 + length > size:
                raise InputError(f"{path} ends in the middle of a record; fetch it again")
            yield at + 12, length
            at += 16 + length


def read_pictures(path: Path, record: int, pattern: str, size: tuple[int, int]) -> Iterator[Frame]:
    """The raw RGB pictures (H, W, 3) of a record, in order.

    Args:
        path: The file.
        record: Which one, from 0.
        pattern: The name of a picture's feature, with ``{}`` where its number stands.
        size: Width and height.

    Raises:
        InputError: There is no such record, or no such picture in it.
    """
    span = next(islice(_spans(path), record, None), None)
    if span is None:
        raise InputError(f"{path} has no record {record}")
    with path.open("rb") as file:
        file.seek(span[0])
        features = read_example(file.read(span[1]))
    width, height = size
    count = 0
    while (raw := features.get(pattern.format(count))) is not None:
        if len(raw) != width * height * 3:
            raise InputError(f"picture {count} of {path} is not {width}x{height} in RGB")
        yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
        count += 1
    if not count:
        raise InputError(f"{path} has no pictures called {pattern.format(0)}")


def read_example(message: bytes) -> dict[str, bytes]:
    """The first value of every feature of bytes in a ``tf.train.Example``."""
    found = {}
    for features in _fields(message, 1):
        for entry in _fields(features, 1):
            name, feature = next(_fields(entry, 1)), next(_fields(entry, 2), b"")
            values = next(_fields(feature, 1), None)  # a BytesList
            if values is not None:
                found[name.decode()] = next(_fields(values, 1), b"")
    return found


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """The fields of one number that are bytes; others are stepped over."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _BYTES:
            length, at = _varint(message, at)
            if number == wanted:
                yield message[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _varint(message, at)
        else:
            at += {1: 8, 5: 4}[kind]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
