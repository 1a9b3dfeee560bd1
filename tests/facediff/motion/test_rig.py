from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.landmarks.head_pose import head_angles, rotations
from facediff.landmarks.mesh import (
    BROW_FRAME,
    BROW_LINE,
    LEFT_EYE,
    LEFT_IRIS,
    LIP_PAIRS,
    RIGHT_EYE,
    RIGHT_IRIS,
    STABLE,
)
from facediff.motion import coefficients
from facediff.motion.coefficients import ANGLES, BROWS, GAZE, LIDS, LIPS, OPENING, SHIFT
from facediff.motion.rig import FaceRig, encode_motion, fit_mean_pose, fit_neutral, move_head
from facediff.types import RigidPose

IRISES = np.r_[RIGHT_IRIS, LEFT_IRIS]


@pytest.fixture(scope="module")
def rig(mesh):
    """The portrait's rig."""
    canonical, pose = canonicalise(mesh[None])
    return FaceRig.from_shape(fit_neutral(canonical), pose)


def still(count=1):
    return np.zeros((count, coefficients.DIMENSIONS), np.float32)


def moving(part, values, rests=0):
    """A motion of one part, with frames of rest after it."""
    values = np.asarray(values, np.float32)
    motion = still(len(values) + rests)
    motion[: len(values), part] = values
    return motion


def test_no_motion_is_the_face_at_rest(rig, mesh):
    rest, pose = rig.neutral, rig.pose
    np.testing.assert_array_equal(rig.express(still(3)), np.tile(rest, (3, 1, 1)))
    canonical, _ = canonicalise(mesh[None])
    np.testing.assert_allclose(FaceRig.from_shape(canonical[0], pose).points(still())[0], mesh, atol=1e-2)
    np.testing.assert_allclose(rig.encode(rig.points(still(3))), 0, atol=1e-4)


def test_expressions_come_back_from_landmarks(rig):
    rng = np.random.default_rng(0)
    motion = moving(LIPS, rng.normal(0, 1.2, (12, 16)), rests=13)  # at rest for the most part: lids are from the usual
    motion[:12, LIDS], motion[:12, GAZE] = rng.uniform(0, coefficients.SHUT_FROM, (12, 2)), rng.normal(0, 0.08, (12, 2))
    found = rig.encode(rig.points(motion))
    for part, atol in ((LIPS, 0.01), (LIDS, 0.06), (GAZE, 1e-3), (ANGLES, 0.01), (SHIFT, 1e-3)):
        np.testing.assert_allclose(found[:, part], motion[:, part], atol=atol)
    opening = coefficients.lip_opening(np.concatenate([rig.neutral[None], rig.express(motion)]))
    np.testing.assert_allclose(found[:, OPENING][:, 0], opening[1:] - opening[0], atol=1e-3)


def test_brows_come_back_from_landmarks_nearly(rig):
    """They move a little what the head's pose is read from."""
    motion = moving(BROWS, np.random.default_rng(1).normal(0, 1, (12, 4)), rests=13)
    found = rig.encode(rig.points(motion))
    assert np.sqrt(np.mean((found - motion)[:12, BROWS] ** 2)) < 0.3
    assert np.abs(found[:, ANGLES]).max() < 0.5


def raise_forehead(points, lift):
    """Landmarks (T, 478, 3) whose foreheads go up by so much (T,), as far as brows do, which a basis has not in it."""
    forehead = np.setdiff1d(STABLE, BROW_FRAME)
    raised = points.copy()
    raised[:, forehead, 1] -= lift[:, None]
    return raised


def test_brows_are_read_whole_where_foreheads_go_with_them(rig):
    lifts = coefficients.basis().brows[:, BROW_LINE, 1].mean(axis=1)
    motion = moving(BROWS, np.outer(np.linspace(-0.04, 0.04, 13), lifts / (lifts @ lifts)))
    asked = motion[:, BROWS] @ lifts
    points = raise_forehead(rig.points(motion), -rig.pose.scale[0] * asked)
    read = {
        "as networks have it": rig.encode(points)[:, BROWS] @ lifts,
        "as drivers are read": rig.read_brows(points) @ lifts,
    }
    share = {how: (asked @ one) / (asked @ asked) for how, one in read.items()}
    assert share["as networks have it"] < 0.7 and 0.9 < share["as drivers are read"] < 1.1


def test_brows_are_read_alike_on_heads_that_turn(rig):
    motion = moving(ANGLES, [[20, 0, 0], [0, -15, 0], [0, 0, 10], [0, 0, 0]])
    motion[:, BROWS.start] = 1.0
    found = rig.read_brows(rig.points(motion))
    np.testing.assert_allclose(found, motion[:, BROWS], atol=0.15)
    absent = rig.points(motion)
    absent[0] = np.nan
    np.testing.assert_array_equal(rig.read_brows(absent)[1:], found[1:])
    assert np.isnan(rig.read_brows(absent)[0]).all()


def test_the_head_comes_back_from_landmarks(rig):
    motion = still(12)
    for index in range(6):  # there and back, so that the usual pose is the one given
        motion[2 * index : 2 * index + 2, ANGLES.start + index] = (15, -15) if index < 3 else (0.2, -0.2)
    found = rig.encode(rig.points(motion))
    np.testing.assert_allclose(found[:, ANGLES], motion[:, ANGLES], atol=0.02)
    np.testing.assert_allclose(found[:, SHIFT], motion[:, SHIFT], atol=1e-3)
    np.testing.assert_allclose(found[:, LIPS], 0, atol=0.02)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turn_is_about_the_axis_of_its_name_and_nothing_else(axis):
    pose = RigidPose(rotations(np.zeros((1, 3))), np.array([80], np.float32), np.array([[300, 200, 5]], np.float32))
    moved = move_head(pose, moving(ANGLES, np.outer([-30, 0, 12, 25], np.eye(3)[axis])))
    np.testing.assert_allclose(np.abs(head_angles(moved)), np.outer([30, 0, 12, 25], np.eye(3)[axis]), atol=0.01)
    np.testing.assert_allclose(moved.scale, 80)
    np.testing.assert_allclose(moved.translation, np.tile(pose.translation, (4, 1)))


def test_the_head_moves_in_eye_distances_and_grows_by_the_exponential(rig):
    pose = rig.pose
    moved = move_head(pose, moving(SHIFT, [[0.5, -0.25, 0], [0, 0, np.log(2)]]))
    np.testing.assert_allclose((moved.translation - pose.translation)[0] / pose.scale, [0.5, -0.25, 0], atol=1e-5)
    np.testing.assert_allclose(moved.scale / pose.scale, [1, 2], rtol=1e-5)
    np.testing.assert_allclose(moved.rotation, np.repeat(pose.rotation, 2, axis=0), atol=1e-6)


def test_lips_move_in_proportion_and_leave_the_rest_alone(rig):
    rest = rig.neutral
    values = np.random.default_rng(3).normal(0, 1, (2, 16))
    a, b, both, triple = rig.express(moving(LIPS, [*values, values.sum(0), 3 * values[0]])) - rest
    np.testing.assert_allclose(both, a + b, atol=1e-5)
    np.testing.assert_allclose(triple, 3 * a, atol=1e-5)
    assert np.abs(a).max() > 0.01
    np.testing.assert_allclose(a[coefficients.basis().lower == 0], 0, atol=1e-6)
    np.testing.assert_allclose(a[np.r_[STABLE, RIGHT_EYE, LEFT_EYE, IRISES]], 0, atol=1e-6)


def test_gaze_moves_the_irises_alone_and_by_eye_widths(rig):
    rest = rig.neutral
    offset = (rig.express(moving(GAZE, [[0.1, -0.05]])) - rest)[0]
    assert not np.delete(offset, IRISES, axis=0).any()
    for iris, (a, b) in ((RIGHT_IRIS, (33, 133)), (LEFT_IRIS, (362, 263))):
        width = np.linalg.norm(rest[a] - rest[b])
        np.testing.assert_allclose(offset[iris], np.tile([0.1 * width, -0.05 * width, 0], (5, 1)), atol=1e-5)


def test_a_face_at_rest_has_its_lips_together(mesh):
    canonical, _ = canonicalise(mesh[None])
    rest = fit_neutral(canonical)
    assert coefficients.lip_opening(canonical)[0] > 0.1 and coefficients.lip_opening(rest[None])[0] < 0.02
    np.testing.assert_allclose(rest[STABLE], canonical[0, STABLE], atol=1e-6)
    touching = mean_face().copy()
    for upper, lower in LIP_PAIRS:
        touching[lower] = touching[upper]
    np.testing.assert_array_equal(fit_neutral(touching[None]), touching)


def test_absent_frames_have_no_motion_and_disturb_none(rig):
    motion = moving(LIPS, np.random.default_rng(4).normal(0, 1, (9, 16)))
    points = rig.points(motion)
    expected = encode_motion(points[1:])
    points[0] = np.nan
    found = encode_motion(points)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], expected, atol=1e-4)


def test_with_a_given_rest_what_is_usual_is_motion_too(rig):
    """Lids half shut, lips apart and eyes aside all the time: usual for a track, but not for the face at rest."""
    motion = moving(LIDS, np.full((5, 2), 0.5))
    motion[:, LIPS] = np.random.default_rng(6).normal(0, 0.5, 16)
    motion[:, GAZE] = 0.08, -0.05
    points = rig.points(motion)
    found, usual = rig.encode(points), encode_motion(points)
    for part, atol in ((LIPS, 0.02), (LIDS, 0.06), (GAZE, 1e-3)):
        np.testing.assert_allclose(found[:, part], motion[:, part], atol=atol)
    np.testing.assert_allclose(usual[:, LIDS], 0, atol=1e-4)
    np.testing.assert_allclose(usual[:, GAZE], 0, atol=1e-4)


def test_a_rig_of_a_track_is_at_rest_as_the_track_is_as_a_rule(rig):
    """Points that say a motion, through a rig that knows nobody else, say the same but for what is usual."""
    motion = moving(LIPS, np.random.default_rng(9).normal(0, 1, (9, 16)))
    motion[:, ANGLES.start] = np.linspace(-8, 8, 9)
    points = rig.points(motion)
    fitted = FaceRig.fit(points)
    np.testing.assert_array_equal(fitted.encode(points), encode_motion(points))
    np.testing.assert_allclose(fitted.encode(points)[:, ANGLES.start], motion[:, ANGLES.start], atol=0.3)
    np.testing.assert_allclose(fitted.pose.rotation, rig.pose.rotation, atol=0.01)


def test_a_head_goes_where_it_came_from(rig):
    row = moving(ANGLES, [[12, -5, 3]])[0]
    row[SHIFT] = 0.2, -0.1, 0.05
    again = rig.since(row).move_head(row[None])
    np.testing.assert_allclose(again.rotation, rig.pose.rotation, atol=1e-5)
    np.testing.assert_allclose(again.translation[:, :2], rig.pose.translation[:, :2], atol=1e-2)
    np.testing.assert_allclose(again.scale, rig.pose.scale, rtol=1e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_film_that_lies_on_its_side_tells_the_motion_of_one_that_stands(rig, quarters):
    motion = moving(ANGLES, np.random.default_rng(1).normal(0, 6, (9, 3)))
    motion[:, SHIFT.start] = np.linspace(-0.2, 0.2, 9)
    points = rig.points(motion)
    turn = np.linalg.matrix_power(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32), quarters)
    lying = points @ turn.T
    upright = encode_motion(points)
    np.testing.assert_allclose(encode_motion(lying), upright, atol=2e-3)
    np.testing.assert_allclose(
        FaceRig.fit(lying).points(upright), FaceRig.fit(points).points(upright) @ turn.T, atol=0.1
    )
    there, row = FaceRig.fit(lying), upright[3]
    np.testing.assert_allclose(there.since(row).move_head(row[None]).rotation, there.pose.rotation, atol=1e-5)


def test_the_mean_pose_of_one_frame_is_its_own(rig):
    assert fit_mean_pose(rig.pose) is rig.pose
