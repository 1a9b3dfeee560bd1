"""The figures are those of the package krippendorff 0.9.0, and of Krippendorff (2011) for the first table."""

import numpy as np
import pytest

from facediff.study.agreement import krippendorff_alpha

_ = np.nan
PAPER = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
])  # fmt: skip


def test_alpha_of_the_paper():
    assert krippendorff_alpha(PAPER) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(PAPER, interval=True) == pytest.approx(0.849, abs=5e-4)


def test_agreement_is_one_and_chance_is_about_nothing():
    assert krippendorff_alpha([[0, 1, 1], [0, 1, 1]]) == 1
    noise = np.random.default_rng(0).integers(0, 2, (20, 200))
    assert krippendorff_alpha(noise) == pytest.approx(0, abs=0.02)


def test_where_nothing_can_be_compared_there_is_none():
    assert krippendorff_alpha([[1, _], [_, 1]]) is None
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None, "no variety"
