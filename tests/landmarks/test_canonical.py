from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise, fit_pose, from_canonical, mean_face, to_canonical
from facediff.landmarks.head_pose import rotations
from facediff.landmarks.mesh import BROW_FRAME, LIPS_INNER, LIPS_OUTER, OUTER_EYES, STABLE
from facediff.types import RigidPose


@pytest.fixture
def pose():
    rng = np.random.default_rng(1)
    angles = rng.uniform(-30, 30, (8, 3))
    scale = rng.uniform(40, 300, 8).astype(np.float32)
    return RigidPose(rotations(angles), scale, rng.uniform(0, 500, (8, 3)).astype(np.float32))


def test_the_mean_face_sets_the_unit_and_the_origin():
    face = mean_face()
    assert face.shape == (478, 3) and not face.flags.writeable
    right, left = face[list(OUTER_EYES)]
    assert np.linalg.norm(left - right) == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose((left + right)[:2] / 2, 0.0, atol=0.02)


def test_a_pose_is_found_exactly(pose):
    found = fit_pose(from_canonical(mean_face(), pose))
    np.testing.assert_allclose(found.rotation, pose.rotation, atol=1e-4)
    np.testing.assert_allclose(found.scale, pose.scale, rtol=1e-4)
    np.testing.assert_allclose(found.translation, pose.translation, atol=0.02)


def test_to_and_from_canonical_are_inverse(pose):
    points = np.random.default_rng(2).normal(200, 80, (8, 478, 3)).astype(np.float32)
    np.testing.assert_allclose(from_canonical(to_canonical(points, pose), pose), points, atol=5e-3)


def test_the_rotation_is_never_a_reflection():
    mirrored = (mean_face() * np.array([-1, 1, 1]))[None] * 100
    assert np.linalg.det(fit_pose(mirrored).rotation[0]) == pytest.approx(1.0, abs=1e-5)


def test_a_mouth_that_opens_does_not_turn_the_head(pose):
    rest = from_canonical(mean_face(), pose)
    spoken = mean_face() + np.zeros((8, 1, 1), np.float32)
    lips = np.union1d(LIPS_INNER, LIPS_OUTER)
    assert not np.isin(lips, STABLE).any()
    spoken[:, lips, 1] += np.linspace(0, 0.3, 8, dtype=np.float32)[:, None]
    found = fit_pose(from_canonical(spoken, pose))
    np.testing.assert_allclose(found.rotation, fit_pose(rest).rotation, atol=1e-4)


def test_a_pose_is_that_of_the_points_that_count(pose):
    points = from_canonical(mean_face(), pose)
    points[:, np.setdiff1d(STABLE, BROW_FRAME)] += (0, -8, 3)
    found, misled = fit_pose(points, stable=BROW_FRAME), fit_pose(points)
    np.testing.assert_allclose(found.rotation, pose.rotation, atol=1e-4)
    assert np.abs(misled.rotation - pose.rotation).max() > 1e-3


def test_the_shape_of_a_person_is_not_taken_for_pose(pose):
    rng = np.random.default_rng(3)
    person = mean_face() + rng.normal(0, 0.02, (478, 3)).astype(np.float32)
    canonical, found = canonicalise(from_canonical(person, pose))
    assert np.ptp(canonical, axis=0).max() < 1e-3  # one shape in all frames
    relative = np.swapaxes(pose.rotation, 1, 2) @ found.rotation
    np.testing.assert_allclose(relative, np.broadcast_to(relative[0], relative.shape), atol=1e-3)


def test_absent_frames_stay_absent_and_disturb_nothing(pose):
    points = from_canonical(mean_face(), pose)
    expected, _ = canonicalise(points[1:])
    points[0] = np.nan
    canonical, found = canonicalise(points)
    assert np.isnan(canonical[0]).all() and np.isnan(found.scale[0])
    np.testing.assert_allclose(canonical[1:], expected, atol=1e-6)
