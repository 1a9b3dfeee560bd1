"""Eyeglasses, drawn."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import ConfigError
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.rig import move_head
from facediff.rendering.editing.glasses import GlassesEditor, GlassesStyle, place_glasses
from facediff.types import FaceTrack


def large(turn: float = 0.0) -> FaceTrack:
    """The portrait's face, frontal and three times as large, in the middle of 600 by 600; turned by some degrees."""
    canonical, pose = canonicalise(3 * track_still(astronaut()).points)
    row = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    row[:, coefficients.ANGLES] = turn, 0, 0
    points = from_canonical(canonical, move_head(pose, row))
    points[..., :2] += 300 - points[:, :468, :2].mean(axis=1, keepdims=True)
    return FaceTrack(points, np.array([2], np.uint8), (600, 600), 0.0)


def put_on(track: FaceTrack, strength: float = 1.0) -> np.ndarray:
    (made,) = GlassesEditor(track, strength)([(0, np.full((600, 600, 3), 180, np.uint8))])
    return made


def dark(picture: np.ndarray) -> np.ndarray:
    return picture.mean(axis=2) < 90


def test_rims_go_around_both_eyes() -> None:
    track = large()
    made = put_on(track)
    for corners in ((33, 133), (263, 362)):
        x, y = track.points[0, list(corners), :2].mean(axis=0)
        row, column = dark(made)[int(y) + 8], dark(made)[:, int(x)]
        for line, at in ((row, int(x)), (column, int(y))):
            assert not line[at] and line[:at].any() and line[at:].any()  # a rim on either side, and none in the eye
    assert made.min() >= min(GlassesStyle.colour) - 2


def test_what_is_far_from_the_eyes_stays_and_no_strength_changes_nothing() -> None:
    made = put_on(large())
    assert (made[450:] == 180).all() and (made[:120] == 180).all()
    assert (put_on(large(), 0.0) == 180).all()
    half = put_on(large(), 0.5).astype(float) - 180
    np.testing.assert_allclose(half, (made.astype(float) - 180) / 2, atol=1.0)


def test_a_turned_head_shows_the_temple_of_the_near_side_alone() -> None:
    spread = {}
    for turn in (-25.0, 0.0, 25.0):
        track = large(turn)
        columns = np.nonzero(dark(put_on(track)).any(axis=0))[0]
        nose = track.points[0, 168, 0]
        spread[turn] = (nose - columns.min(), columns.max() - nose)
    near, far = zip(spread[-25.0], spread[25.0][::-1], strict=True)
    assert abs(near[0] - near[1]) < 4 and abs(far[0] - far[1]) < 4  # each turn is the other's mirror image
    assert min(near) > max(far) + 12
    assert abs(spread[0.0][0] - spread[0.0][1]) < 4


def test_they_are_symmetric_and_stand_before_the_eyes() -> None:
    canonical, _ = canonicalise(large().points)
    parts = place_glasses(canonical[0])
    right, left = parts["right inside"], parts["left inside"]
    middle = (right[:, 0].mean() + left[:, 0].mean()) / 2
    np.testing.assert_allclose(left[:, 0].mean() - middle, GlassesStyle.apart, atol=1e-3)
    np.testing.assert_allclose(np.ptp(right, axis=0), np.ptp(left, axis=0), atol=1e-4)
    assert parts["bridge"][:, 2].max() < canonical[0][168, 2]


def test_they_cannot_be_taken_off() -> None:
    with pytest.raises(ConfigError, match="put on, not taken off"):
        GlassesEditor(large(), -0.5)


@pytest.mark.parametrize(("style", "wider"), [({"lens": (0.35, 0.3)}, True), ({"lens": (0.2, 0.1)}, False)])
def test_each_end_of_a_style_is_seen(style, wider) -> None:
    face = canonicalise(track_still(astronaut()).points)[0][0]
    usual, changed = (place_glasses(face, GlassesStyle(**how))["left outside"] for how in ({}, style))
    assert (np.ptp(changed[:, 0]) > np.ptp(usual[:, 0])) == wider
    assert (np.ptp(changed[:, 1]) > np.ptp(usual[:, 1])) == wider
