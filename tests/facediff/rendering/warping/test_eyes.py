"""Irises are carried to where they are wanted, between the lids, and nothing else of the picture changes."""

from __future__ import annotations

import cv2
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


RIM = 30 * np.stack([np.cos(ANGLES := np.linspace(0, 2 * np.pi, 16, endpoint=False)), 0.45 * np.sin(ANGLES)], axis=1)


def drawn(*, radius: float = 11.0, down: float = 0.0, lashes: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """An eye, twice, with a grey iris, dark lashes over the upper rows and a pink corner, and its landmarks."""
    picture = np.full((120, 240, 3), (200, 160, 140), np.uint8)
    points = np.zeros((478, 3))
    for (eye, iris), middle in (((RIGHT_EYE, RIGHT_IRIS), (60, 60)), ((LEFT_EYE, LEFT_IRIS), (180, 60))):
        points[eye, :2] = middle + RIM[: len(eye)]
        centre = np.array(middle) + (0, down)
        points[iris, :2] = centre + radius * np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)])
        opening = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(opening, [np.rint(points[eye, :2]).astype(np.int32)], 1)
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
        picture[opening > 0] = 230
        picture[(opening > 0) & (x < middle[0] - 11.5)] = (190, 110, 110)
        picture[(opening > 0) & (np.hypot(x - centre[0], y - centre[1]) <= radius)] = 110
        picture[(opening > 0) & (y < middle[1] - 13.5 + lashes)] = 20
    return picture, points


def move(points: np.ndarray, right: float = 0.0, down: float = 0.0) -> np.ndarray:
    wanted = points.copy()
    wanted[[*RIGHT_IRIS, *LEFT_IRIS], :2] += (right, down)
    return wanted


def test_an_iris_that_goes_up_leaves_no_lashes_below_it() -> None:
    picture, points = drawn(radius=14, down=2, lashes=7.5)
    made = turn_eyes(picture, move(points, down=-6), points)
    assert made[64:71, 57:64].min() > 90  # as the iris or as white; lashes have 20


def test_white_that_an_iris_uncovers_is_as_white_as_beside_it() -> None:
    picture, points = drawn()
    made = turn_eyes(picture, move(points, right=8), points)
    assert made[58:63, 50:55].min() > 150  # the corner beside it has 110, and nothing of it is drawn out
    assert abs(int(made[60, 62:74].mean()) - 110) < 12


def test_an_iris_that_is_larger_than_landmarks_say_is_carried_whole() -> None:
    picture, points = drawn(radius=13)
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        points[iris[1:], :2] = points[iris[0], :2] + 0.75 * (points[iris[1:], :2] - points[iris[0], :2])
    made = turn_eyes(picture, move(points, right=8), points)
    assert made[58:63, 47:53].min() > 150  # where its rim was
