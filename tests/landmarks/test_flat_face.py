"""Faces laid flat."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.flat_face import FLAT, Unfolding, flat_points, flatten_face
from facediff.landmarks.tracker import track_still


@pytest.fixture(scope="module")
def window() -> tuple[np.ndarray, np.ndarray]:
    """The portrait's face and its landmarks."""
    track = track_still(astronaut())
    _, pose = canonicalise(track.points)
    alignment = align(pose, FLAT)
    depth = track.points[0, :, 2:] * (FLAT.unit_px / pose.scale[0])
    return alignment.crop(astronaut(), 0), np.concatenate([alignment.to_crop(track.points[0], 0), depth], axis=1)


def test_the_flat_face_is_symmetric_and_inside_its_picture() -> None:
    points = flat_points()
    assert (points[:468, :2] > 0).all() and (points[:468, :2] < FLAT.size[0]).all()
    middle = points[[10, 152, 1], 0]
    np.testing.assert_allclose(middle, FLAT.size[0] / 2, atol=1.0)
    np.testing.assert_allclose(points[33, 0] + points[263, 0], FLAT.size[0], atol=1.0)


def test_marks_on_a_face_come_to_where_its_landmarks_lie_flat(window) -> None:
    picture, points = window
    for landmark in (61, 105, 280):
        marked = np.zeros_like(picture)
        x, y = np.rint(points[landmark, :2]).astype(int)
        marked[y - 3 : y + 4, x - 3 : x + 4] = 255
        rows, columns = np.nonzero(flatten_face(marked, points)[..., 0] > 60)
        found = np.array([columns.mean(), rows.mean()])
        assert np.linalg.norm(found - flat_points()[landmark, :2]) < 5


def test_what_is_laid_flat_unfolds_again(window) -> None:
    picture, points = window
    inside = np.hypot(*(np.mgrid[0:448, 0:448] - np.array([[[235]], [[224]]]))) < 90
    play_pingpong = Unfolding(flatten_face(picture, points).astype(np.float32))(points)
    error = np.abs(play_pingpong - picture.astype(np.float32)).mean(axis=2)[inside]
    assert np.median(error) < 3
