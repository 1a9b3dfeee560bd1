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
from facediff.rendering.cavity import darkness, unseen
from facediff.rendering.shot import Shot, in_crop


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, object]:
    """The portrait's face with lips together, in canonical units, and its pose."""
    canonical, pose = canonicalise(track_still(astronaut()).points)
    return layout.neutral(canonical), pose


def shot(face, *, source: float, wanted: float, lack: float = 1.0, reference=None) -> Shot:
    """From lips that are so far apart to others, in eye distances."""
    rest, pose = face
    before, after = (from_canonical(rest + layout.basis().opening * gap, pose)[0] for gap in (source, wanted))
    return Shot(astronaut(), reference, after, pose, lack, origin=before)


def test_only_what_the_source_does_not_show_is_darkened(face) -> None:
    assert unseen(shot(face, source=0.0, wanted=0.1)) == 1.0
    assert unseen(shot(face, source=0.0, wanted=0.1, lack=0.25)) == 0.25
    assert unseen(shot(face, source=0.1, wanted=0.2)) == 0.0  # it shows teeth of its own
    assert 0 < unseen(shot(face, source=0.01, wanted=0.1)) < 1
    window = np.zeros((128, 160, 3), np.uint8)
    assert unseen(shot(face, source=0.0, wanted=0.1, reference=window)) == 0.0  # another moment shows them


def test_between_the_lips_it_is_dark_and_lighter_above(face) -> None:
    one = shot(face, source=0.0, wanted=0.2)
    points = in_crop(one.points, align(one.pose, MOUTH), one.pose, MOUTH)
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
