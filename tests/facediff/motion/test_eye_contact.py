"""Eyes are turned into the lens; blinks and saccades stay, and nothing trembles that did not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facediff.landmarks.canonical import canonicalise
from facediff.motion.eye_contact import STYLE, add_to_lids, find_lens, measure_aside, read_lower_lid, turn_to_lens
from tests.portraits import avatar

FPS = Fraction(25)
COUNT = 150


@pytest.fixture
def head() -> np.ndarray:
    """A head (T, 3, 3) that turns to and fro by 12 degrees."""
    yaw = 12 * np.sin(np.arange(COUNT) / 20)
    return Rotation.from_euler("yxz", np.stack([yaw, 0 * yaw, 0 * yaw], axis=1), degrees=True).as_matrix()


def test_eyes_that_look_aside_look_into_the_lens(head) -> None:
    gaze = find_lens(head) + (0.09, -0.08)
    assert np.linalg.norm(measure_aside(gaze, head), axis=1).min() > 12
    added, lids = turn_to_lens(gaze, head, np.zeros((COUNT, 2)), FPS)
    assert np.linalg.norm(measure_aside(gaze + added, head), axis=1).max() < 0.5
    assert (lids > 0).all()  # gaze goes down a little, and lids with it


@pytest.mark.parametrize(("down", "least", "most"), [(1.0, 0.0, 0.3), (2.2, 0.4, 0.6), (12.0, 0.95, 1.0)])
def test_small_looks_down_may_be_how_somebodys_eyes_are(head, down, least, most) -> None:
    gaze = find_lens(head) + (0.0, np.radians(down) * STYLE.per_radian)
    added, _ = turn_to_lens(gaze, head, np.zeros((COUNT, 2)), FPS)
    undone = down - measure_aside(gaze + added, head)[:, 1]
    assert (undone >= least * down - 1e-3).all() and (undone <= most * down + 1e-3).all()


def test_low_lower_lids_have_low_irises_that_look_into_the_lens(head) -> None:
    usual, wide = find_lens(head), find_lens(head, STYLE.usual_lower_lid + 0.08)
    np.testing.assert_allclose(wide - usual, np.tile([0.0, 0.016], (COUNT, 1)), atol=1e-9)
    np.testing.assert_allclose(measure_aside(wide, head, STYLE.usual_lower_lid + 0.08), 0.0, atol=1e-9)
    added, _ = turn_to_lens(wide, head, np.zeros((COUNT, 2)), FPS, STYLE.usual_lower_lid + 0.08)
    assert np.abs(added).max() < 1e-6


def test_a_lower_lid_is_read_below_the_corners_of_the_eyes() -> None:
    canonical = np.repeat(canonicalise(avatar("plain").track.points)[0], 3, axis=0)
    lowered = canonical.copy()
    for middle, a, b in ((145, 33, 133), (374, 362, 263)):
        lowered[:, middle, 1] += 0.05 * np.linalg.norm(canonical[0, a] - canonical[0, b])
    assert read_lower_lid(lowered) - read_lower_lid(canonical) == pytest.approx(0.05, abs=1e-3)
    assert read_lower_lid(np.full((2, 478, 3), np.nan, np.float32)) == STYLE.usual_lower_lid


def test_saccades_stay_and_looks_elsewhere_are_undone(head) -> None:
    gaze = find_lens(head) + np.zeros((COUNT, 2))
    gaze[40:43, 0] += 0.012  # a small saccade
    gaze[80:120, 0] += 0.15  # a look at the audience
    added, _ = turn_to_lens(gaze, head, np.zeros((COUNT, 2)), FPS)
    aside = measure_aside(gaze + added, head)[:, 0]
    assert aside[40:43].min() > 1 and np.abs(aside[88:112]).max() < 0.5
    assert np.abs(aside).max() < np.degrees(STYLE.saccade / STYLE.per_radian) + 0.5


def test_what_is_read_of_hidden_irises_is_not_believed(head) -> None:
    gaze = find_lens(head) + (0.05, 0.0)
    closure = np.zeros((COUNT, 2))
    closure[60:66], gaze[60:66] = 1.0, gaze[60:66] + (0.3, 0.4)
    added, _ = turn_to_lens(gaze, head, closure, FPS)
    np.testing.assert_allclose(added[55:70, 0], -0.05, atol=0.01)
    gaze[100:104] = np.nan
    assert np.isfinite(turn_to_lens(gaze, head, closure, FPS)[0]).all()


def test_jitter_of_the_landmarks_is_not_given_to_the_irises() -> None:
    rng = np.random.default_rng(0)
    still = np.repeat(np.eye(3)[None], COUNT, axis=0)
    gaze = find_lens(still) + (0.06, 0.0) + 0.004 * rng.normal(size=(COUNT, 2))
    added, _ = turn_to_lens(gaze, still, np.zeros((COUNT, 2)), FPS)
    assert np.diff(added, 2, axis=0).std() < 0.1 * np.diff(gaze, 2, axis=0).std()


def test_lids_go_along_but_a_blink_stays_one() -> None:
    lids = add_to_lids(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[-0.1, -0.1], [-0.1, -0.1]]))
    np.testing.assert_allclose(lids, [[-0.1, -0.1], [1.0, 1.0]])
