"""What is put between lips that were closed in the source."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks import masks
from facediff.landmarks import motion as layout
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.rendering.cavity import LOWER_EDGE, UPPER_EDGE, darkness, unseen
from facediff.rendering.shot import in_crop


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, object]:
    """The portrait's face with lips together, in canonical units, and its pose."""
    canonical, pose = canonicalise(track_still(astronaut()).points)
    return layout.neutral(canonical), pose


def test_only_what_nobody_has_seen_is_darkened() -> None:
    assert unseen(1.0, 0.005) == 1.0
    assert unseen(0.25, 0.005) == 0.25
    assert unseen(1.0, 0.1) == 0.0  # there are teeth to be seen
    assert 0 < unseen(1.0, 0.022) < 1


def test_the_edges_of_the_lips_run_from_corner_to_corner(face) -> None:
    points = face[0]
    for edge in (UPPER_EDGE, LOWER_EDGE):
        assert len(edge) == 11 and (edge[0], edge[-1]) == (78, 308)
        assert (np.diff(points[edge, 0]) > 0).all()
    assert 13 in UPPER_EDGE and 14 in LOWER_EDGE


def test_between_the_lips_it_is_dark_and_lighter_above(face) -> None:
    rest, pose = face
    opened = from_canonical(rest + 0.2 * layout.basis().opening, pose)[0]
    points = in_crop(opened, align(pose, MOUTH), pose, MOUTH)
    size, unit = MOUTH.size, MOUTH.unit_px
    skin = np.full((size[1], size[0], 3), (200.0, 120.0, 110.0), np.float32)
    change = darkness(skin, points, unit, 1.0)
    outside = masks.region(points[LIPS_OUTER], size, unit, reach=0.05) == 0
    assert not change[outside].any()
    column, (top, bottom) = int(points[13, 0]), points[[13, 14], 1]
    upper, lower = ((skin + change)[int(top + share * (bottom - top)), column].mean() for share in (0.15, 0.8))
    assert lower < 60 < upper < 160
    np.testing.assert_allclose(darkness(skin, points, unit, 0.5), change / 2, atol=1e-3)
    inner = masks.region(points[LIPS_INNER], size, unit) > 0.99
    assert (change[inner].mean(axis=1) < 1).all()  # teeth are no lamps
