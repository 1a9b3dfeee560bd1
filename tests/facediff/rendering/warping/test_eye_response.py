"""Irises are carried as far as it takes for them to be read where they are wanted."""

from __future__ import annotations

import numpy as np
from skimage.data import astronaut

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.tracker import track_still
from facediff.motion.coefficients import look, read_gaze
from facediff.rendering.warping.eye_response import MOST_LASTING, REACH, carry_irises, measure_eye_response
from facediff.rendering.warping.eyes import turn_eyes


def test_what_is_carried_so_is_read_nearer_to_what_was_wanted() -> None:
    picture = astronaut()
    track = track_still(picture)
    canonical, pose = canonicalise(track.points)
    wanted = np.array([0.06, 0.0])
    response = measure_eye_response(picture, canonical[0], pose, wanted[None])
    shown, plain = track.points[0], read_gaze(canonical)[0]

    def missed(carried: np.ndarray) -> float:
        points = from_canonical(look(canonical, carried[None]), pose)[0]
        found = canonicalise(track_still(turn_eyes(picture, points, shown)).points)[0]
        return float(np.linalg.norm(read_gaze(found)[0] - plain - wanted))

    assert missed(response @ wanted) < 0.7 * missed(wanted)
    assert 1 < np.linalg.norm(response @ wanted) / np.linalg.norm(wanted) <= MOST_LASTING[0] + 1e-6
    across = np.array([0.0, 0.04])
    np.testing.assert_allclose(response @ across, across, atol=1e-6)


def test_eyes_that_go_to_and_fro_are_carried_further_both_ways() -> None:
    picture = astronaut()
    canonical, pose = canonicalise(track_still(picture).points)
    to_and_fro = 0.05 * np.array([[1, 0], [-1, 0], [0, 0.5], [0, -0.5]])
    response = measure_eye_response(picture, canonical[0], pose, to_and_fro)
    assert response[0, 0] > 1 and abs(response[1, 0]) < 0.5 * response[0, 0]


def test_no_turn_is_no_turn() -> None:
    np.testing.assert_array_equal(measure_eye_response(None, None, None, np.zeros((3, 2))), np.eye(2))


def test_irises_are_carried_as_they_are_read_and_no_farther_than_into_corners() -> None:
    response, middle = np.array([[1.6, 0.0], [0.1, 2.0]]), np.zeros(2)
    small = np.array([[0.02, -0.01], [-0.03, 0.0]])
    np.testing.assert_allclose(carry_irises(small, response, middle), small @ response.T, rtol=0.02, atol=1e-4)
    far = carry_irises(np.array([[0.3, 0.2], [-0.3, -0.2], [3.0, 3.0]]), response, middle)
    assert (np.abs(far) < REACH + 1e-9).all() and (np.abs(far) > 0.9 * REACH).all()
    aside = np.array([0.2, 0.05])
    np.testing.assert_array_equal(carry_irises(np.zeros((1, 2)), response, aside), np.zeros((1, 2)))
    back = aside + carry_irises(np.array([-0.2, 0.0]), response, aside)
    assert -REACH[0] < back[0] < 0  # beyond the middle, as far as it takes
