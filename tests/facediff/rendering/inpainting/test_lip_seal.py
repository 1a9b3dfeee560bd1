"""Lips that shut over a smile."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.alignment import MOUTH
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import LIPS_INNER
from facediff.rendering.inpainting.lip_seal import SealStyle, find_lip_edges, seal_lips


@pytest.fixture
def mouth() -> np.ndarray:
    """The mean face's landmarks in a mouth window, its lips together."""
    points = (mean_face() - np.array([*MOUTH.anchor[:2], 0])) * MOUTH.unit_px + np.array([*MOUTH.anchor_px, 0])
    return points.astype(np.float32)


def test_edges_run_through_the_landmarks_of_the_lips(mouth) -> None:
    upper, lower = find_lip_edges(mouth, MOUTH.size)
    for landmark, edge in ((13, upper), (82, upper), (14, lower), (87, lower)):
        x, y = mouth[landmark, :2]
        assert abs(np.interp(x, np.arange(MOUTH.size[0]), edge) - y) < 1.0


def test_a_sliver_of_teeth_becomes_a_line_and_what_is_beyond_the_lips_stays(mouth) -> None:
    window = np.full((*MOUTH.size[::-1], 3), (190.0, 120.0, 110.0), np.float32)
    upper, lower = find_lip_edges(mouth, MOUTH.size)
    x = np.arange(*np.rint(mouth[[78, 308], 0]).astype(int))
    window[np.rint((upper + lower) / 2).astype(int)[x], x] = 250
    made = seal_lips(window, mouth, MOUTH.unit_px)
    middle = int(mouth[13, 0])
    row = int(round(float(upper[middle] + lower[middle]) / 2))
    assert window[row, middle].mean() == 250 > 140 > made[row, middle].mean()
    top, bottom = int(mouth[LIPS_INNER, 1].min()) - 12, int(mouth[LIPS_INNER, 1].max()) + 13
    np.testing.assert_array_equal(made[:top], window[:top])
    np.testing.assert_array_equal(made[bottom:], window[bottom:])


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ({"line_dark": 0.9}, lambda usual, changed: changed.min() < usual.min()),
        ({"line": 0.03}, lambda usual, changed: (changed < 100).sum() > (usual < 100).sum()),
        ({"lip_from": 0.1}, lambda usual, changed: (changed != 130).sum() >= (usual != 130).sum()),
    ],
)
def test_each_end_of_a_style_is_seen(mouth, style, wanted) -> None:
    window = np.full((*MOUTH.size[::-1], 3), 130, np.float32)
    usual, changed = (seal_lips(window, mouth, MOUTH.unit_px, SealStyle(**how))[..., 0] for how in ({}, style))
    assert wanted(usual, changed)
