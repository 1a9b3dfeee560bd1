"""Which two moments of a face make a training pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.motion.coefficients import lip_opening
from facediff.training.faces import WIDE, FaceCrops

SHUT_GAP, OPEN_GAP = 0.02, 0.06  # eye distances between lips that show nothing, and that show teeth


class MomentDraw:
    """Draws two moments of the same person: of one video, or two portraits.

    Args:
        crops: To draw from.
        min_unit_px: Fewest pixels of an eye distance in the source of what is shown.
        opening_share: Share of the pairs in which lips that are shut have opened, as far as there are such.

    Raises:
        InputError: There is no pair.
    """

    def __init__(self, crops: FaceCrops, *, min_unit_px: float = 50.0, opening_share: float = 0.0) -> None:
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
        self._opening_share = opening_share
        self._shut: dict[object, list[int]] = {}
        if opening_share:
            gaps = lip_opening(crops.points) / WIDE.unit_px
            shut = {key: [row for row in rows if gaps[row] < SHUT_GAP] for key, rows in self._groups.items()}
            self._shut = {key: rows for key, rows in shut.items() if rows}
            parts = np.array([crops.key(row) in self._shut for row in range(len(crops.clip))]) & (gaps > OPEN_GAP)
            opened = weight * parts
            self._opening_share *= bool(opened.sum())
            self._opened = np.cumsum(opened / max(opened.sum(), 1e-12))

    def __call__(self, rng: np.random.Generator) -> tuple[int, int]:
        """Rows of the crops: the moment to be shown, and the one that is known."""
        if self._opening_share and rng.random() < self._opening_share:
            row = self._pick(self._opened, rng)
            return row, int(rng.choice(self._shut[self._crops.key(row)]))
        row = self._pick(self._cumulative, rng)
        others = [r for r in self._groups[self._crops.key(row)] if r != row]
        return row, int(rng.choice(others))

    @staticmethod
    def _pick(cumulative: NDArray[np.float64], rng: np.random.Generator) -> int:
        return int(np.searchsorted(cumulative, rng.random()).clip(max=len(cumulative) - 1))
