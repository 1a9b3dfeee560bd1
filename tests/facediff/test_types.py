"""Records that rooms hand to one another."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.types import FaceTrack, Presence, RigidPose


def track() -> FaceTrack:
    points = np.arange(4 * 478 * 3, dtype=np.float32).reshape(4, 478, 3)
    presence = np.array([Presence.FOUND, Presence.ABSENT, Presence.INTERPOLATED, Presence.FOUND], np.uint8)
    return FaceTrack(points, presence, (64, 48), 25.0)


def test_a_track_is_usable_where_landmarks_are_found_or_made_up() -> None:
    assert track().usable.tolist() == [True, False, True, True]


@pytest.mark.parametrize("index", [slice(1, 3), [3, 0], np.array([2])])
def test_some_frames_of_a_track_keep_points_and_presence_together(index) -> None:
    taken, whole = track().take(index), track()
    np.testing.assert_array_equal(taken.points, whole.points[index])
    np.testing.assert_array_equal(taken.presence, whole.presence[index])
    assert (taken.size, taken.fps) == (whole.size, whole.fps)


def test_points_that_do_not_go_with_the_presence_are_refused() -> None:
    with pytest.raises(ValueError, match="a track needs points"):
        FaceTrack(np.zeros((3, 478, 3), np.float32), np.zeros(2, np.uint8), (64, 48), 25.0)
    with pytest.raises(ValueError, match="a track needs points"):
        FaceTrack(np.zeros((478, 3), np.float32), np.zeros(478, np.uint8), (64, 48), 25.0)


def test_some_poses_are_those_of_their_frames() -> None:
    pose = RigidPose(np.stack([k * np.eye(3, dtype=np.float32) for k in range(3)]), np.arange(3), np.ones((3, 3)))
    taken = pose.take([2, 0])
    assert len(taken) == 2 and taken.scale.tolist() == [2, 0] and taken.rotation[:, 0, 0].tolist() == [2, 0]
