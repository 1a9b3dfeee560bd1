from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.landmarks.head_pose import head_angles, rotations
from facediff.landmarks.mesh import ALL_POINTS, LEFT_EYE, LEFT_IRIS, LIP_PAIRS, RIGHT_EYE, RIGHT_IRIS, STABLE
from facediff.motion import coefficients
from facediff.motion.coefficients import ANGLES, BROWS, GAZE, LIDS, LIPS, OPENING, SHIFT
from facediff.types import RigidPose

IRISES = np.r_[RIGHT_IRIS, LEFT_IRIS]


@pytest.fixture(scope="module")
def person(mesh):
    """The portrait's neutral geometry and pose."""
    canonical, pose = canonicalise(mesh[None])
    return coefficients.neutral(canonical), pose


def still(count=1):
    return np.zeros((count, coefficients.DIMENSIONS), np.float32)


def moving(part, values, rests=0):
    """A motion of one part, with frames of rest after it."""
    values = np.asarray(values, np.float32)
    motion = still(len(values) + rests)
    motion[: len(values), part] = values
    return motion


def test_no_motion_is_the_face_at_rest(person, mesh):
    rest, pose = person
    np.testing.assert_array_equal(coefficients.express(still(3), rest), np.tile(rest, (3, 1, 1)))
    canonical, _ = canonicalise(mesh[None])
    np.testing.assert_allclose(coefficients.place(still(), canonical[0], pose)[0], mesh, atol=1e-2)
    np.testing.assert_allclose(coefficients.encode(coefficients.place(still(3), rest, pose), rest), 0, atol=1e-4)


def test_expressions_come_back_from_landmarks(person):
    rng = np.random.default_rng(0)
    motion = moving(LIPS, rng.normal(0, 1.2, (12, 16)), rests=13)  # at rest for the most part: lids are from the usual
    motion[:12, LIDS], motion[:12, GAZE] = rng.uniform(0, coefficients.SHUT_FROM, (12, 2)), rng.normal(0, 0.08, (12, 2))
    found = coefficients.encode(coefficients.place(motion, *person), person[0])
    for part, atol in ((LIPS, 0.01), (LIDS, 0.06), (GAZE, 1e-3), (ANGLES, 0.01), (SHIFT, 1e-3)):
        np.testing.assert_allclose(found[:, part], motion[:, part], atol=atol)
    opening = coefficients.lip_opening(np.concatenate([person[0][None], coefficients.express(motion, person[0])]))
    np.testing.assert_allclose(found[:, OPENING][:, 0], opening[1:] - opening[0], atol=1e-3)


def test_brows_come_back_from_landmarks_nearly(person):
    """They move a little what the head's pose is read from."""
    motion = moving(BROWS, np.random.default_rng(1).normal(0, 1, (12, 4)), rests=13)
    found = coefficients.encode(coefficients.place(motion, *person), person[0])
    assert np.sqrt(np.mean((found - motion)[:12, BROWS] ** 2)) < 0.3
    assert np.abs(found[:, ANGLES]).max() < 0.5


def test_the_head_comes_back_from_landmarks(person):
    motion = still(12)
    for index in range(6):  # there and back, so that the usual pose is the one given
        motion[2 * index : 2 * index + 2, ANGLES.start + index] = (15, -15) if index < 3 else (0.2, -0.2)
    found = coefficients.encode(coefficients.place(motion, *person), person[0])
    np.testing.assert_allclose(found[:, ANGLES], motion[:, ANGLES], atol=0.02)
    np.testing.assert_allclose(found[:, SHIFT], motion[:, SHIFT], atol=1e-3)
    np.testing.assert_allclose(found[:, LIPS], 0, atol=0.02)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turn_is_about_the_axis_of_its_name_and_nothing_else(axis):
    pose = RigidPose(rotations(np.zeros((1, 3))), np.array([80], np.float32), np.array([[300, 200, 5]], np.float32))
    moved = coefficients.move_head(pose, moving(ANGLES, np.outer([-30, 0, 12, 25], np.eye(3)[axis])))
    np.testing.assert_allclose(np.abs(head_angles(moved)), np.outer([30, 0, 12, 25], np.eye(3)[axis]), atol=0.01)
    np.testing.assert_allclose(moved.scale, 80)
    np.testing.assert_allclose(moved.translation, np.tile(pose.translation, (4, 1)))


def test_the_head_moves_in_eye_distances_and_grows_by_the_exponential(person):
    _, pose = person
    moved = coefficients.move_head(pose, moving(SHIFT, [[0.5, -0.25, 0], [0, 0, np.log(2)]]))
    np.testing.assert_allclose((moved.translation - pose.translation)[0] / pose.scale, [0.5, -0.25, 0], atol=1e-5)
    np.testing.assert_allclose(moved.scale / pose.scale, [1, 2], rtol=1e-5)
    np.testing.assert_allclose(moved.rotation, np.repeat(pose.rotation, 2, axis=0), atol=1e-6)


def test_lips_move_in_proportion_and_leave_the_rest_alone(person):
    rest, _ = person
    values = np.random.default_rng(3).normal(0, 1, (2, 16))
    a, b, both, triple = coefficients.express(moving(LIPS, [*values, values.sum(0), 3 * values[0]]), rest) - rest
    np.testing.assert_allclose(both, a + b, atol=1e-5)
    np.testing.assert_allclose(triple, 3 * a, atol=1e-5)
    assert np.abs(a).max() > 0.01
    np.testing.assert_allclose(a[coefficients.basis().lower == 0], 0, atol=1e-6)
    np.testing.assert_allclose(a[np.r_[STABLE, RIGHT_EYE, LEFT_EYE, IRISES]], 0, atol=1e-6)


@pytest.mark.parametrize(("side", "eye", "other"), [(0, RIGHT_EYE, LEFT_EYE), (1, LEFT_EYE, RIGHT_EYE)])
def test_a_lid_that_is_shut_meets_the_other(person, side, eye, other):
    rest, _ = person
    closure = np.zeros((4, 2), np.float32)
    closure[:, side] = 0, 0.5, 1, 3
    faces = coefficients.close_lids(np.tile(rest, (4, 1, 1)), closure)
    upper, lower = coefficients.UPPER_LIDS[side], coefficients.LOWER_LIDS[side]
    gap = np.linalg.norm(faces[:, upper] - faces[:, lower], axis=-1)
    np.testing.assert_array_equal(faces[0], rest)
    assert (gap[2] < 0.06 * gap[0]).all()
    np.testing.assert_allclose(gap[1], (gap[0] + gap[2]) / 2, atol=1e-5)
    np.testing.assert_array_equal(faces[3], faces[2])  # more than shut there is not
    moved = np.linalg.norm(faces[2] - rest, axis=-1)
    assert (moved[list(upper)] > 5 * moved[list(lower)]).all()
    others = np.setdiff1d(np.arange(ALL_POINTS), [*upper, *lower, *coefficients.LID_FOLDS[side]])
    assert not moved[others].any() and np.isin(other, others).all() and np.isin([*upper, *lower], eye).all()


def test_gaze_moves_the_irises_alone_and_by_eye_widths(person):
    rest, _ = person
    offset = (coefficients.express(moving(GAZE, [[0.1, -0.05]]), rest) - rest)[0]
    assert not np.delete(offset, IRISES, axis=0).any()
    for iris, (a, b) in ((RIGHT_IRIS, (33, 133)), (LEFT_IRIS, (362, 263))):
        width = np.linalg.norm(rest[a] - rest[b])
        np.testing.assert_allclose(offset[iris], np.tile([0.1 * width, -0.05 * width, 0], (5, 1)), atol=1e-5)


def test_the_opening_is_the_mean_gap_between_the_inner_lips():
    face = np.tile(mean_face(), (3, 1, 1))
    for upper, lower in LIP_PAIRS:
        face[:, lower] = face[:, upper] + np.array([[0, 0, 0], [0, 0.2, 0], [0.03, 0, 0.04]], np.float32)
    np.testing.assert_allclose(coefficients.lip_opening(face), [0, 0.2, 0.05], atol=1e-6)


def test_a_face_at_rest_has_its_lips_together(mesh):
    canonical, _ = canonicalise(mesh[None])
    rest = coefficients.neutral(canonical)
    assert coefficients.lip_opening(canonical)[0] > 0.1 and coefficients.lip_opening(rest[None])[0] < 0.02
    np.testing.assert_allclose(rest[STABLE], canonical[0, STABLE], atol=1e-6)
    touching = mean_face().copy()
    for upper, lower in LIP_PAIRS:
        touching[lower] = touching[upper]
    np.testing.assert_array_equal(coefficients.neutral(touching[None]), touching)


def test_absent_frames_have_no_motion_and_disturb_none(person):
    motion = moving(LIPS, np.random.default_rng(4).normal(0, 1, (9, 16)))
    points = coefficients.place(motion, *person)
    expected = coefficients.encode(points[1:])
    points[0] = np.nan
    found = coefficients.encode(points)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], expected, atol=1e-4)


def test_lip_channels_do_not_tell_who_opens_wide():
    motion = np.random.default_rng(5).normal(0, 0.05, (40, coefficients.DIMENSIONS)).astype(np.float32)
    channels = coefficients.lip_channels(motion)
    assert channels.shape == (17, 40)
    np.testing.assert_allclose(channels.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(coefficients.lip_channels(1.5 * motion + 0.3), channels, rtol=0.01, atol=1e-3)


def test_with_a_given_rest_what_is_usual_is_motion_too(person):
    """Lids half shut, lips apart and eyes aside all the time: usual for a track, but not for the face at rest."""
    motion = moving(LIDS, np.full((5, 2), 0.5))
    motion[:, LIPS] = np.random.default_rng(6).normal(0, 0.5, 16)
    motion[:, GAZE] = 0.08, -0.05
    points = coefficients.place(motion, *person)
    found, usual = coefficients.encode(points, rest=person[0]), coefficients.encode(points)
    for part, atol in ((LIPS, 0.02), (LIDS, 0.06), (GAZE, 1e-3)):
        np.testing.assert_allclose(found[:, part], motion[:, part], atol=atol)
    np.testing.assert_allclose(usual[:, LIDS], 0, atol=1e-4)
    np.testing.assert_allclose(usual[:, GAZE], 0, atol=1e-4)
    np.testing.assert_allclose(found[:, ANGLES], usual[:, ANGLES], atol=1e-5)  # the head has no rest but the usual


def test_a_motion_at_twice_the_rate_and_back_is_itself():
    motion = np.random.default_rng(7).normal(size=(6, coefficients.DIMENSIONS)).astype(np.float32)
    double = coefficients.resample(motion, 25, 50, 12)
    np.testing.assert_array_equal(coefficients.resample(double, 50, 25, 6), motion)
    np.testing.assert_allclose(double[1:-1:2], (motion[:-1] + motion[1:]) / 2, atol=1e-6)
    np.testing.assert_array_equal(coefficients.resample(motion, 25, 25, 8)[5:], np.repeat(motion[-1:], 3, axis=0))


def test_lip_channels_follow_the_order_of_the_motion():
    motion = np.random.default_rng(8).normal(size=(30, coefficients.DIMENSIONS)).astype(np.float32)
    channels = coefficients.lip_channels(motion)
    wanted = np.concatenate([motion[:, LIPS], motion[:, OPENING]], axis=1).T
    correlations = np.corrcoef(channels, wanted)[:17, 17:]
    np.testing.assert_allclose(np.diag(correlations), 1, atol=1e-4)
    other = motion.copy()
    other[:, BROWS.start : OPENING.start] = 9
    np.testing.assert_array_equal(coefficients.lip_channels(other), channels)
