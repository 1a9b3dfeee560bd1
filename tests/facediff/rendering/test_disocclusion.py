"""How much of an opened mouth was hidden."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import LIP_PAIRS
from facediff.rendering.disocclusion import (
    DisocclusionStyle,
    measure_disocclusion,
    measure_lip_gap,
    measure_unobserved,
)

CLOSED, PARTED = DisocclusionStyle.closed, DisocclusionStyle.parted
OPENING_SPAN, PORTRAIT_OPENING_SPAN = DisocclusionStyle.opening_span, DisocclusionStyle.portrait_span


def parted(gap: float) -> np.ndarray:
    """The mean face with its lips apart by so many eye distances."""
    face = mean_face().copy()
    for upper, lower in LIP_PAIRS:
        middle = (face[upper] + face[lower]) / 2
        face[upper], face[lower] = middle - (0, gap / 2, 0), middle + (0, gap / 2, 0)
    return face


def test_a_gap_is_measured_in_eye_distances() -> None:
    assert measure_lip_gap(parted(0.0)) == pytest.approx(0, abs=1e-6)
    assert measure_lip_gap(parted(0.2)) == pytest.approx(0.2, abs=1e-5)


def test_a_mouth_lacks_what_it_opens_beyond_what_it_showed() -> None:
    nothing, everything = OPENING_SPAN
    assert measure_disocclusion(parted(0.1), parted(0.1)) == 0
    assert measure_disocclusion(parted(0.3), parted(0.0)) == 0  # it closes
    assert measure_disocclusion(parted(0.1), parted(0.1 + everything)) == pytest.approx(1, abs=1e-4)
    assert measure_disocclusion(parted(0.1), parted(0.1 + (nothing + everything) / 2)) == pytest.approx(0.5, abs=1e-3)


def test_a_portrait_lacks_something_sooner_for_it_has_no_other_moment() -> None:
    for gap in np.linspace(0.02, 0.07, 6):
        own, moved = parted(0.0), parted(gap)
        assert measure_disocclusion(own, moved, PORTRAIT_OPENING_SPAN) > measure_disocclusion(own, moved)


def test_nothing_is_unknown_where_lips_were_seen_apart_or_nothing_is_lacking() -> None:
    assert (
        measure_unobserved(1.0, CLOSED) == 1
        and measure_unobserved(1.0, PARTED) == 0
        and measure_unobserved(0.0, 0.0) == 0
    )
    assert measure_unobserved(0.5, (CLOSED + PARTED) / 2) == pytest.approx(0.25)


def test_of_the_only_moment_little_is_known_where_a_mouth_opens_far_beyond_it() -> None:
    nothing, enough = DisocclusionStyle.beyond
    assert measure_unobserved(1.0, PARTED, PARTED / nothing) == 1
    assert measure_unobserved(1.0, PARTED, PARTED / enough) == 0 == measure_unobserved(1.0, PARTED, 0.0)
    assert 0 < measure_unobserved(1.0, PARTED, 2 * PARTED / (nothing + enough)) < 1
    assert measure_unobserved(1.0, CLOSED, CLOSED) == 1
