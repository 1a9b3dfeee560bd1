"""Frames between frames: where they lie, what they show, cuts, and the landmarks in them."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from facediff.rendering.interpolation import Between, interpolate_track, place_frames
from facediff.types import FaceTrack, Presence
from tests.portraits import plain


def aside(by: float) -> np.ndarray:
    """The portrait, moved to the right."""
    matrix = np.array([[1, 0, by], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(plain(), matrix, (256, 256), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def track(points: np.ndarray, fps: float = 25.0, absent: tuple[int, ...] = ()) -> FaceTrack:
    presence = np.full(len(points), Presence.FOUND, np.uint8)
    presence[list(absent)] = Presence.ABSENT
    return FaceTrack(points.astype(np.float32), presence, (256, 256), fps)


def face(count: int, step: float = 1.0) -> np.ndarray:
    """A face (count, 478, 3) that moves to the right."""
    rng = np.random.default_rng(0)
    return rng.uniform(60, 200, (478, 3)) + step * np.arange(count)[:, None, None] * [1, 0, 0]


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_what_moves_is_where_it_is_then_and_not_twice(share) -> None:
    made = Between(aside(0), aside(8)).at(share).astype(float)
    inner = (slice(16, -16), slice(24, -24))
    truth, blended = aside(8 * share), (1 - share) * aside(0).astype(float) + share * aside(8)
    off, mixed = (np.square(one[inner] - truth[inner]).mean() for one in (made, blended))
    assert off < 0.25 * mixed


def test_at_both_ends_frames_are_as_they_are() -> None:
    one, other = aside(0), aside(3)
    between = Between(one, other)
    assert between.at(0) is one and between.at(1) is other


def test_over_a_cut_the_nearer_frame_is_shown() -> None:
    one, other = plain(), np.ascontiguousarray(255 - plain()[::-1])
    between = Between(one, other)
    assert between.at(0.4) is one and between.at(0.5) is other


@pytest.mark.parametrize("own, wanted", [(25, 50), (24, 60), (Fraction(30000, 1001), Fraction(60000, 1001))])
def test_places_are_exact_and_own_frames_stay(own, wanted) -> None:
    own, wanted = Fraction(own), Fraction(wanted)
    rows, shares = place_frames(track(face(10), float(own)), own, wanted)
    assert len(rows) == round(10 * wanted / own)
    exact = [min(k * own / wanted, Fraction(9)) for k in range(len(rows))]
    assert all(
        row + share == pytest.approx(float(place)) for row, share, place in zip(rows, shares, exact, strict=True)
    )
    assert all((share == 0) == (place.denominator == 1) for share, place in zip(shares, exact, strict=True))


def test_nothing_lies_between_two_shots() -> None:
    points = face(4)
    points[2:] += [90, 0, 0]
    rows, shares = place_frames(track(points), Fraction(25), Fraction(100))
    assert rows[4:8].tolist() == [1, 1, 2, 2] and not shares[4:8].any()
    assert shares[:4].tolist() == [0, 0.25, 0.5, 0.75]


def test_landmarks_are_between_and_absent_where_one_side_is() -> None:
    points = face(4, step=2.0)
    points[3] = np.nan
    rows, shares = place_frames(track(points, absent=(3,)), Fraction(25), Fraction(50))
    made = interpolate_track(track(points, absent=(3,)), rows, shares, 50.0)
    assert made.fps == 50 and made.usable.tolist() == [True] * 5 + [False] * 3
    np.testing.assert_allclose(made.points[1], points[0] + [1, 0, 0], atol=1e-4)
    np.testing.assert_array_equal(made.points[2], points[1].astype(np.float32))
    assert made.presence[1] == Presence.INTERPOLATED and made.presence[2] == Presence.FOUND
