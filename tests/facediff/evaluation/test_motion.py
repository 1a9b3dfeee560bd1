from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import InputError
from facediff.evaluation.motion import motion_correlation
from facediff.landmarks.canonical import mean_face
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.types import FaceTrack, RigidPose

FRAMES = 60


def moved(motion: np.ndarray, scale: float = 100.0) -> FaceTrack:
    pose = RigidPose(np.eye(3, dtype=np.float32)[None], np.array([scale], np.float32), np.full((1, 3), 200, np.float32))
    points = FaceRig.from_shape(fit_neutral(mean_face()[None]), pose).points(motion)
    return FaceTrack(points, np.full(len(motion), 2, np.uint8), (400, 400), 25.0)


def act() -> np.ndarray:
    """Brows and head, each at a rate of its own; lips, lids and roll do nothing."""
    time = np.arange(FRAMES) / FRAMES * 2 * np.pi
    motion = np.zeros((FRAMES, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.BROWS.start] = 2 * np.sin(3 * time)
    motion[:, coefficients.ANGLES.start] = 9 * np.sin(time)
    motion[:, coefficients.ANGLES.start + 1] = 5 * np.cos(2 * time)
    return motion


def test_the_same_motion_on_another_scale_correlates_and_what_rests_is_not_judged() -> None:
    found = motion_correlation(moved(0.5 * act(), 60.0), moved(act()))
    assert {name for name, value in found.items() if value is None} == {"lips", "lids", "roll"}
    for name in ("brows", "yaw", "pitch"):
        assert found[name] > 0.98, name


def test_a_face_that_does_otherwise_or_nothing_does_not() -> None:
    other = act()
    other[:, coefficients.ANGLES.start] *= -1
    assert motion_correlation(moved(other), moved(act()))["yaw"] < -0.98
    assert abs(motion_correlation(moved(act() * 0), moved(act()))["yaw"]) < 0.5


def test_frames_without_a_face_do_not_count_and_some_are_needed() -> None:
    driver = moved(act())
    driver.points[:20] = np.nan
    driver = FaceTrack(driver.points, np.where(np.arange(FRAMES) < 20, 0, 2).astype(np.uint8), (400, 400), 25.0)
    assert motion_correlation(moved(act()), driver)["yaw"] > 0.98
    with pytest.raises(InputError, match="in 5 frames only"):
        motion_correlation(moved(act()[:25]), driver)
