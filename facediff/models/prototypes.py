"""What an attribute does to the light of a face, as a picture for each attribute."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from facediff.errors import WeightsError

FILE = "prototypes.safetensors"
RANK = 20  # of each half picture, as it is kept


@dataclass(frozen=True)
class Prototypes:
    """Pictures of attributes.

    Source: Rowland and Perrett, "Manipulating facial appearance through shape and color", IEEE CG&A 1995: the
    difference of two groups' mean faces, added to a face.

    Attributes:
        names: Of the attributes.
        light: (N, 448, 448, 3) what each, at strength 1, adds to the logarithm of a flat face's light; left and right
            alike.
    """

    names: tuple[str, ...]
    light: NDArray[np.float32]

    def of(self, name: str) -> NDArray[np.float32]:
        """The picture (448, 448, 3) of one attribute."""
        picture: NDArray[np.float32] = self.light[self.names.index(name)]
        return picture

    def save(self, folder: Path, *, rank: int = RANK) -> None:
        """Writes them into a folder, the left halves as products of ``rank`` columns and rows of one byte a number."""
        tensors: dict[str, NDArray] = {}
        for name, picture in zip(self.names, self.light, strict=True):
            half = picture[:, : picture.shape[1] // 2].reshape(len(picture), -1)
            left, values, right = np.linalg.svd(half, full_matrices=False)
            root = np.sqrt(values[:rank])
            for side, factor in (("columns", (left[:, :rank] * root).T), ("rows", right[:rank] * root[:, None])):
                scale = np.abs(factor).max(axis=1, keepdims=True) / 127 + 1e-12
                tensors[f"{name}.{side}"] = np.ascontiguousarray(np.rint(factor / scale).astype(np.int8))
                tensors[f"{name}.{side}.scale"] = scale[:, 0].astype(np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / FILE, {"names": json.dumps(self.names)})


def prototype_names(folder: Path) -> tuple[str, ...]:
    """Names of the prototypes in a folder, without loading them; none where there are none."""
    try:
        with safe_open(folder / FILE, framework="np") as held:
            return tuple(json.loads(held.metadata()["names"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return ()


def load_prototypes(folder: Path) -> Prototypes:
    """Those that ``Prototypes.save`` wrote.

    Raises:
        WeightsError: They are missing or damaged.
    """
    pictures = []
    try:
        with safe_open(folder / FILE, framework="np") as held:
            names = tuple(json.loads(held.metadata()["names"]))
            for name in names:
                columns, rows = (
                    held.get_tensor(f"{name}.{side}") * held.get_tensor(f"{name}.{side}.scale")[:, None]
                    for side in ("columns", "rows")
                )
                half = (columns.T @ rows).reshape(columns.shape[1], -1, 3)
                pictures.append(np.concatenate([half, half[:, ::-1]], axis=1))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"there are no prototypes of attributes in {folder}, or they are damaged: {error}"
        ) from error
    return Prototypes(names, np.stack(pictures).astype(np.float32))
