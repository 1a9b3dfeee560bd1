import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from skimage.data import astronaut

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import ALL_POINTS, LIP_PAIRS, NOSE_TIP
from facediff.landmarks.tracker import track_face, track_still
from facediff.motion import coefficients
from facediff.motion.rig import move_head
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.warping.correction import (
    LOWER,
    SAMPLES,
    SHARE,
    UPPER,
    Correction,
    choose_samples,
    measure_correction,
)
from facediff.types import RigidPose

FACING = RigidPose(np.eye(3, dtype=np.float32)[None], np.array([100.0], np.float32), np.zeros((1, 3), np.float32))


def turning(count: int) -> np.ndarray:
    """A motion whose yaw, pitch and lips each change at a rate of their own."""
    time = np.linspace(0, 2 * np.pi, count)
    motion = np.zeros((count, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES.start] = 20 * np.sin(time)
    motion[:, coefficients.ANGLES.start + 1] = 15 * np.cos(2 * time)
    motion[:, coefficients.LIPS.start] = 2 * np.sin(3 * time)
    return motion


def test_half_of_what_is_always_off_is_taken_off() -> None:
    error = np.random.default_rng(0).normal(0, 0.02, (ALL_POINTS, 3)).astype(np.float32)
    motion = turning(SAMPLES)
    correction = Correction(motion, np.repeat(error[None], SAMPLES, axis=0))
    moved = correction(motion[5], FACING)
    np.testing.assert_allclose(moved[NOSE_TIP, :2], -SHARE * 100 * error[NOSE_TIP, :2], rtol=0.02, atol=0.01)
    assert not moved[:, 2].any()


def test_what_goes_with_the_motion_is_expected_of_motions_that_were_not_seen() -> None:
    motion = turning(SAMPLES)
    errors = np.zeros((SAMPLES, ALL_POINTS, 3), np.float32)
    errors[:, NOSE_TIP, 0] = 0.003 * motion[:, coefficients.ANGLES.start]
    correction = Correction(motion, errors)
    for yaw in (-12.0, 0.0, 17.0):
        row = np.zeros(coefficients.DIMENSIONS, np.float32)
        row[coefficients.ANGLES.start] = yaw
        assert correction(row, FACING)[NOSE_TIP, 0] == pytest.approx(-SHARE * 100 * 0.003 * yaw, abs=0.35)


def test_errors_turn_and_grow_with_the_head() -> None:
    errors = np.zeros((SAMPLES, ALL_POINTS, 3), np.float32)
    errors[:, NOSE_TIP, 0] = 0.02
    turn = Rotation.from_euler("z", 90, degrees=True).as_matrix().astype(np.float32)[None]
    aside = RigidPose(turn, np.array([50.0], np.float32), FACING.translation)
    moved = Correction(turning(SAMPLES), errors)(turning(1)[0], aside)[NOSE_TIP]
    np.testing.assert_allclose(moved, -SHARE * 50 * 0.02 * turn[0, :, 0], atol=0.02)


def test_a_mouth_or_an_eye_stays_as_open_as_it_is_asked_to_be() -> None:
    errors = np.random.default_rng(1).normal(0, 0.02, (SAMPLES, ALL_POINTS, 3))
    moved = Correction(turning(SAMPLES), errors)(turning(3)[1], FACING)
    np.testing.assert_array_equal(moved[UPPER], moved[LOWER])
    for upper, lower in LIP_PAIRS:
        np.testing.assert_array_equal(moved[upper], moved[lower])


def test_frames_are_taken_from_all_of_a_motion() -> None:
    np.testing.assert_array_equal(choose_samples(3), [0, 1, 2])
    many = choose_samples(1000)
    assert len(many) == SAMPLES and many[0] == 0 and many[-1] == 999


def test_where_no_face_is_read_there_is_nothing_to_correct() -> None:
    points = np.random.default_rng(2).uniform(40, 80, (ALL_POINTS, 3)).astype(np.float32)
    blank = WarpedFrame(np.full((128, 128, 3), 90, np.uint8), WarpedFace(points, FACING))
    assert measure_correction([blank], turning(1)) is None


def test_a_corrected_portrait_is_read_nearer_to_where_it_is_wanted(portrait_of) -> None:
    still = track_still(astronaut())
    canonical, pose = canonicalise(still.points)
    motion = turning(12)
    motion[:, coefficients.LIPS] = 0
    targets = from_canonical(np.repeat(canonical, 12, axis=0), move_head(pose, motion))
    off = []
    for is_corrected in (False, True):
        frames = portrait_of(astronaut(), still).reach(targets, is_corrected=is_corrected)(slice(0, 12))
        read = track_face((frame.picture for frame in frames), 25.0).points
        off.append(np.linalg.norm((read - targets)[..., :2], axis=-1).mean() / pose.scale[0])
    assert off[1] < 0.9 * off[0]
