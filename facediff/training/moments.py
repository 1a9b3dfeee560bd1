"""Which two moments of a face make a training pair."""

from __future__ import annotations

import numpy as np

from facediff.errors import InputError
from facediff.training.faces import WIDE, FaceCrops


class MomentDraw:
    """Draws two moments of the same person: of one video, or two portraits.

    Raises:
        InputError: There is no pair.
    """

    def __init__(self, crops: FaceCrops, *, min_unit_px: float = 50.0) -> None:
        self._crops = crops
        self._groups = crops.group()
        # Two portraits of one person are a pair; a larger set under one name need not be one person.
        sizes = np.array([len(self._groups[crops.key(row)]) for row in range(len(crops.clip))])
        usable = (sizes > 1) & ((sizes == 2) | (crops.kinds[crops.clip] != "still"))
        if not (usable & (crops.source_unit_px >= min_unit_px)).any():
            raise InputError(
                f"no face is seen twice at {min_unit_px:g} pixels between the eyes; give clips, or two portraits of "
                "each person"
            )
        weight = crops.weights(power=0.6) * usable * (crops.source_unit_px >= min_unit_px)
        weight *= np.clip(crops.source_unit_px / WIDE.unit_px, 0.1, 1.0)
        self._cumulative = np.cumsum(weight / weight.sum())

    def __call__(self, rng: np.random.Generator) -> tuple[int, int]:
        """Rows of the crops: the moment to be shown, and the one that is known."""
        row = int(np.searchsorted(self._cumulative, rng.random()).clip(max=len(self._cumulative) - 1))
        others = [r for r in self._groups[self._crops.key(row)] if r != row]
        return row, int(rng.choice(others))
