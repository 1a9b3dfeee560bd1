from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff.evaluation.faces import (
    MOUTH,
    blinks_per_minute,
    face_rate,
    landmark_distance,
    pose_spread,
    similarity,
)
from facediff.motion import coefficients
from facediff.types import Presence

from .told_faces import at_rest, face, speaking, without


def test_frames_that_were_filled_in_do_not_count_as_found() -> None:
    track = without(without(face(at_rest(10)), slice(0, 2)), slice(4, 7), Presence.INTERPOLATED)
    assert face_rate(track) == pytest.approx(0.5)
    assert track.seen.tolist() == [False] * 2 + [True] * 2 + [False] * 3 + [True] * 3


def test_a_similarity_takes_two_points_exactly_and_undoes_turn_size_and_place() -> None:
    shape = np.random.default_rng(0).normal(size=(9, 2))
    turn = 2.5 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    assert similarity(shape, shape @ turn.T + [3, -7]) == pytest.approx(np.hstack([turn, [[3], [-7]]]))
    matrix = similarity(shape[:2], np.array([[10, 10], [20, 10]]))
    assert shape[:2] @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(np.array([[10, 10], [20, 10]]))


def test_the_same_face_is_at_no_distance_wherever_it_stands() -> None:
    motion = at_rest(8)
    found = landmark_distance(face(motion, 60.0, (120, 90)), face(motion, 100.0))
    assert found == pytest.approx((0, 0), abs=1e-3)


def test_distance_is_a_share_of_the_truths_eyes_and_of_the_mouth_alone() -> None:
    truth = face(at_rest(4), 80.0)
    moved = truth.points.copy()
    moved[:, MOUTH, 1] += 8  # a tenth of the eye distance
    found = landmark_distance(replace(truth, points=moved), truth)
    assert found.mouth == pytest.approx(10, abs=0.1)
    assert found.face == pytest.approx(10 * len(MOUTH) / 468, abs=0.05)


def test_faces_that_never_show_together_have_no_distance() -> None:
    track = face(at_rest(8))
    assert landmark_distance(without(track, slice(0, 4)), without(track, slice(4, 8))) is None


def test_blinks_are_counted_where_they_begin() -> None:
    motion = at_rest(150)  # six seconds
    for start in (20, 60, 100):
        motion[start : start + 4, coefficients.LIDS] = 0.9
    assert blinks_per_minute(face(motion)) == pytest.approx(30)
    assert blinks_per_minute(face(at_rest(150))) == 0
    assert blinks_per_minute(without(face(motion), slice(3, None))) is None


def test_the_spread_of_each_angle_is_told_apart_and_speech_is_no_nod() -> None:
    motion = at_rest(100)
    turn = np.sin(np.arange(100) / 100 * 4 * np.pi)
    motion[:, coefficients.ANGLES] = np.stack([9 * turn, 0 * turn, 3 * turn], axis=1)
    yaw, pitch, roll = pose_spread(face(motion))
    assert yaw == pytest.approx(9 / np.sqrt(2), rel=0.05) and roll == pytest.approx(3 / np.sqrt(2), rel=0.05)
    assert pitch < 0.5
    assert max(pose_spread(speaking(0.1 * np.abs(turn)))) < 0.6
    assert pose_spread(without(face(motion), slice(2, None))) is None
