from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import fit_pose, from_canonical, mean_face
from facediff.landmarks.gaps import fill_gaps
from facediff.landmarks.head_pose import head_angles, rotations
from facediff.landmarks.mesh import LIPS_INNER
from facediff.types import FaceTrack, RigidPose


def track_of(angles, places, absent, scale=100.0, fps=25.0):
    count = len(places)
    pose = RigidPose(
        rotations(np.asarray(angles, float)),
        np.broadcast_to(np.float32(scale), count).astype(np.float32),
        np.asarray(places, np.float32),
    )
    points = from_canonical(mean_face(), pose)
    presence = np.full(count, 2, np.uint8)
    points[absent], presence[absent] = np.nan, 0
    return FaceTrack(points, presence, (640, 480), fps)


def test_an_even_movement_is_restored_exactly():
    steps = np.arange(12)
    angles = np.stack([steps * 4.0 - 20, 0 * steps, 0 * steps], 1)
    places = np.stack([300 + 5.0 * steps, 200 - 2.0 * steps, 0 * steps], 1)
    truth = track_of(angles, places, [])
    filled = fill_gaps(track_of(angles, places, [3, 4, 5, 6, 7]))
    assert filled.presence.tolist() == [2] * 3 + [1] * 5 + [2] * 4
    np.testing.assert_allclose(filled.points, truth.points, atol=0.05)


def test_a_turning_head_keeps_its_size_in_between():
    """The mean of the landmarks of two poses would shrink; a rotation in between does not."""
    filled = fill_gaps(track_of([[-40, 0, 0], [0, 0, 0], [40, 0, 0]], [[300, 200, 0]] * 3, [1]))
    pose = fit_pose(filled.points)
    assert pose.scale[1] == pytest.approx(100, rel=1e-3)
    np.testing.assert_allclose(head_angles(pose)[1], 0.0, atol=0.05)


def test_expression_is_interpolated_too():
    track = track_of([[0, 0, 0]] * 3, [[300, 200, 0]] * 3, [1])
    track.points[2, LIPS_INNER, 1] += 10.0
    middle = fill_gaps(track).points[1] - track.points[0]
    np.testing.assert_allclose(middle[LIPS_INNER, 1], 5.0, atol=0.01)


@pytest.mark.parametrize(("fps", "gap", "is_filled"), [(25.0, 12, True), (25.0, 13, False), (50.0, 25, True)])
def test_the_longest_gap_is_in_seconds(fps, gap, is_filled):
    track = track_of([[0, 0, 0]] * (gap + 2), [[300, 200, 0]] * (gap + 2), list(range(1, gap + 1)), fps=fps)
    assert fill_gaps(track).usable[1:-1].all() == is_filled
    assert not fill_gaps(track, max_gap_s=0.0).usable[1:-1].any()


def test_the_ends_of_a_track_are_not_made_up():
    filled = fill_gaps(track_of([[0, 0, 0]] * 5, [[300, 200, 0]] * 5, [0, 4]))
    assert filled.presence.tolist() == [0, 2, 2, 2, 0] and np.isnan(filled.points[[0, 4]]).all()


@pytest.mark.parametrize("what", ["place", "size"])
def test_a_cut_is_not_bridged(what):
    places = [[300, 200, 0]] * 2 + [[300 + 250 * (what == "place"), 200, 0]] * 2
    scale = np.array([100, 100, 100, 200 if what == "size" else 100])
    assert not fill_gaps(track_of([[0, 0, 0]] * 4, places, [1, 2], scale=scale)).usable[1:3].any()


def test_the_track_given_is_left_alone():
    track = track_of([[0, 0, 0]] * 3, [[300, 200, 0]] * 3, [1])
    fill_gaps(track)
    assert np.isnan(track.points[1]).all() and track.presence[1] == 0
