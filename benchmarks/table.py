"""Rows of figures, as the benchmarks print them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

NAME, CELL = 30, 14


def heading(name: str, keys: Iterable[str]) -> str:
    return f"{name[:NAME]:{NAME}}" + "".join(f"{key:>{CELL}}" for key in keys)


def row(name: str, figures: Mapping, keys: Iterable[str]) -> str:
    """A line of the figures by those names; what there was nothing to measure by is a dash."""
    cells = [figures.get(key) for key in keys]
    return f"{name[:NAME]:{NAME}}" + "".join(f"{'-' if c is None else format(c, '.3f'):>{CELL}}" for c in cells)


def medians(rows: Sequence[Mapping], keys: Iterable[str]) -> dict[str, float]:
    known = {key: [r[key] for r in rows if r.get(key) is not None] for key in keys}
    return {key: float(np.median(values)) for key, values in known.items() if values}
