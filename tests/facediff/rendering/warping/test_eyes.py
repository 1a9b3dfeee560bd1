"""Irises are carried to where they are wanted, between the lids, and nothing else of the picture changes."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from facediff.rendering.warping.eyes import turn_eyes
from tests.portraits import avatar, plain

POINTS = avatar("plain").track.points[0]


def darkest(picture: np.ndarray, eye: np.ndarray) -> float:
    """Where the dark of an iris lies across an opening, in pixels."""
    low, high = POINTS[eye, :2].min(axis=0), POINTS[eye, :2].max(axis=0)
    rows, columns = slice(int(low[1]) + 1, int(high[1]) + 1), slice(int(low[0]), int(high[0]) + 1)
    dark = (150 - picture[rows, columns].mean(axis=2)).clip(0)
    return float((dark.sum(axis=0) * np.arange(dark.shape[1])).sum() / dark.sum())


def turned(right: float) -> np.ndarray:
    wanted = POINTS.copy()
    wanted[[*RIGHT_IRIS, *LEFT_IRIS], 0] += right
    return turn_eyes(plain(), wanted, POINTS)


@pytest.mark.parametrize("right", [-2.5, 2.5])
def test_both_irises_move_the_way_they_are_told(right) -> None:
    made = turned(right)
    for eye in (RIGHT_EYE, LEFT_EYE):
        moved = darkest(made, eye) - darkest(plain(), eye)
        assert np.sign(moved) == np.sign(right) and abs(moved) > 0.25


def test_nothing_changes_but_what_lies_between_the_lids() -> None:
    made, source = turned(3.0), plain()
    changed = np.argwhere((made != source).any(axis=2))[:, ::-1]
    eyes = np.concatenate([POINTS[eye, :2] for eye in (RIGHT_EYE, LEFT_EYE)])
    assert len(changed) > 30
    assert (changed >= eyes.min(axis=0) - 2).all() and (changed <= eyes.max(axis=0) + 2).all()
    np.testing.assert_array_equal(turned(0.01), source)  # not worth it


def test_eyes_that_are_shut_have_nothing_to_turn() -> None:
    shut = POINTS.copy()
    for eye in (RIGHT_EYE, LEFT_EYE):
        shut[eye, 1] = shut[eye, 1].mean()
    wanted = shut.copy()
    wanted[[*RIGHT_IRIS, *LEFT_IRIS], 0] += 3
    np.testing.assert_array_equal(turn_eyes(plain(), wanted, shut), plain())


def test_a_face_at_the_edge_of_its_picture_is_no_trouble() -> None:
    cut = np.ascontiguousarray(plain()[80:])
    wanted = POINTS - [0, 80, 0]
    wanted[RIGHT_IRIS, 0] += 3
    assert turn_eyes(cut, wanted, POINTS - [0, 80, 0]).shape == cut.shape
