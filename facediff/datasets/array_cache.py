"""Examples in memory-mapped arrays: made once, continued where a run was cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError

Layout = Mapping[str, tuple[tuple[int, ...], type]]


def fill_cache(
    draw: Callable[[np.random.Generator], Any], layout: Layout, folder: Path, *, count: int, seed: int = 0
) -> dict[str, NDArray]:
    """``count`` examples, in arrays named like their fields.

    Args:
        draw: Makes an example; the one of an index depends on ``seed`` and that index alone.
        layout: Shape and type of every field.
        folder: Where the arrays lie; those of another run with other shapes are refused.
        count: How many.
        seed: Of all.

    Raises:
        InputError: The folder holds another run's cache.
    """
    arrays: dict[str, NDArray] = {
        name: _open(folder / f"{name}.npy", (count, *shape), dtype) for name, (shape, dtype) in layout.items()
    }
    done = folder / "done.txt"
    first = int(done.read_text()) if done.is_file() else 0
    for index in range(first, count):
        example = draw(np.random.default_rng([seed, index]))
        for name, array in arrays.items():
            array[index] = getattr(example, name)
        if index % 200 == 199 or index == count - 1:
            for array in arrays.values():
                array.flush()  # type: ignore[attr-defined]
            done.write_text(str(index + 1))
    return arrays


def _open(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        kept = np.lib.format.open_memmap(path, mode="r+")
        if kept.shape == shape:
            return kept
        raise InputError(f"{path} holds {kept.shape}, not {shape}: another run's cache; choose another folder")
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
