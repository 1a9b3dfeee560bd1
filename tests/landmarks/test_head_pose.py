from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import fit_pose, from_canonical, mean_face
from facediff.landmarks.head_pose import count_quarter_turns, head_angles, is_profile, rotations
from facediff.landmarks.mesh import CHIN, FOREHEAD, NOSE_TIP
from facediff.types import RigidPose


def posed(*angles):
    """The mean face at (yaw, pitch, roll) of each row, 100 pixels large, around (300, 200)."""
    angles = np.array(angles, np.float32)
    count = len(angles)
    place = np.tile(np.array([300, 200, 0], np.float32), (count, 1))
    return from_canonical(mean_face(), RigidPose(rotations(angles), np.full(count, 100, np.float32), place))


def test_angles_come_back_from_landmarks():
    wanted = np.random.default_rng(0).uniform([-60, -40, -80], [60, 40, 80], (50, 3)).astype(np.float32)
    np.testing.assert_allclose(head_angles(fit_pose(posed(*wanted))), wanted, atol=0.01)


def test_the_signs_are_those_of_the_picture():
    rest, yaw, pitch, roll = posed([0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 20])
    middle = (rest[CHIN] + rest[FOREHEAD]) / 2
    assert yaw[NOSE_TIP, 0] > rest[NOSE_TIP, 0] + 5  # nose to the image's right
    assert pitch[NOSE_TIP, 1] < rest[NOSE_TIP, 1] - 5  # nose up
    assert roll[FOREHEAD, 0] > middle[0] + 5 and roll[CHIN, 0] < middle[0] - 5  # clockwise


def test_the_portrait_looks_past_the_camera_by_a_little(mesh):
    yaw, pitch, roll = head_angles(fit_pose(mesh[None]))[0]
    assert abs(yaw) < 25 and abs(pitch) < 20 and 0 < abs(roll) < 20


def test_absent_poses_have_no_angles():
    points = posed([10, 0, 0], [70, 0, 0])
    points = np.concatenate([points, np.full_like(points[:1], np.nan)])
    pose = fit_pose(points)
    assert np.isnan(head_angles(pose)[2]).all() and np.isfinite(head_angles(pose)[:2]).all()
    assert is_profile(pose).tolist() == [False, True, False]


@pytest.mark.parametrize("yaw", [-55, 55])
def test_a_profile_is_one_on_either_side(yaw):
    assert is_profile(fit_pose(posed([yaw, 0, 0]))).all()
    assert not is_profile(fit_pose(posed([yaw, 0, 0])), max_yaw_deg=60).any()


@pytest.mark.parametrize("quarters", range(4))
def test_how_a_picture_lies_is_told_from_its_face(mesh, quarters):
    turn = np.linalg.matrix_power(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), quarters)
    assert count_quarter_turns(mesh @ turn.T) == quarters
