"""How far raters agree: Krippendorff's alpha, which bears missing answers.

Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def krippendorff_alpha(answers: ArrayLike, *, interval: bool = False) -> float | None:
    """1 where all agree, 0 where they agree as chance would; None where nothing can be compared.

    Args:
        answers: (raters, questions) numbers, NaN where there is no answer.
        interval: Whether answers that are nearer count as less of a disagreement; else those that differ differ.
    """
    table = np.asarray(answers, float)
    table = table[:, (~np.isnan(table)).sum(axis=0) > 1]
    if not table.size:
        return None
    known = ~np.isnan(table)
    values = np.unique(table[known])
    counts = np.stack([(table == value).sum(axis=0) for value in values], axis=1).astype(float)  # (questions, values)
    per_question = counts.sum(axis=1, keepdims=True)
    pairs = counts.T @ (counts / (per_question - 1)) - np.diag((counts / (per_question - 1)).sum(axis=0))
    apart = (values[:, None] - values[None]) ** 2 if interval else (values[:, None] != values[None]).astype(float)
    totals = pairs.sum(axis=0)
    expected = (np.outer(totals, totals) * apart).sum() / (totals.sum() - 1)
    return None if expected == 0 else float(1 - (pairs * apart).sum() / expected)
