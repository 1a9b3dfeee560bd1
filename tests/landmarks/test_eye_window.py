"""An eye in a window of its own."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.eye_window import (
    CORNERS,
    MIDDLE,
    WIDTH,
    SkinStyle,
    align_eye,
    fit_light_around,
    grid,
    measure_lid_gaps,
)
from facediff.landmarks.tracker import track_still


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return track_still(astronaut()).points[0]


@pytest.mark.parametrize("side", [0, 1])
def test_corners_come_to_their_places_and_lids_lie_above_each_other(points: np.ndarray, side: int) -> None:
    to_eye = align_eye(points, side)
    outer, inner = points[list(CORNERS[side]), :2] @ to_eye[:, :2].T + to_eye[:, 2]
    np.testing.assert_allclose(outer, [MIDDLE[0] - WIDTH / 2, MIDDLE[1]], atol=1e-3)
    np.testing.assert_allclose(inner, [MIDDLE[0] + WIDTH / 2, MIDDLE[1]], atol=1e-3)
    upper, lower = points[list(((159, 145), (386, 374))[side]), :2] @ to_eye[:, :2].T + to_eye[:, 2]
    assert upper[1] < lower[1]  # also of the mirrored eye


def test_the_gap_between_lids_is_told_in_eye_widths(points: np.ndarray) -> None:
    assert ((measure_lid_gaps(points) > 0.15) & (measure_lid_gaps(points) < 0.5)).all()
    np.testing.assert_allclose(measure_lid_gaps(3 * points + 10), measure_lid_gaps(points), rtol=1e-5)
    shut = points.copy()
    shut[[159, 386]] = shut[[145, 374]]
    np.testing.assert_allclose(measure_lid_gaps(shut), 0, atol=1e-6)


def test_light_around_is_that_of_skin_whatever_the_eye_is_and_lashes_are() -> None:
    u, v = grid()
    plane = np.stack([4.0 + 0.3 * u - 0.2 * v] * 3, axis=-1)
    eye = np.hypot(u, 2 * v) < 0.5
    ring = (np.hypot(u, 2 * v) > 0.6) & (np.hypot(u, 2 * v) < 0.85)
    light = np.where(eye[..., None], 0.0, plane)
    light[(np.abs(u - 0.55) < 0.03) & ring] -= 2.0  # a rim of glasses
    for spread in (False, True):
        assert np.abs(fit_light_around(light, ring, spread=spread) - plane).max() < 0.1


def test_what_each_end_of_a_skin_style_does() -> None:
    u, v = grid()
    ring = (np.hypot(u, 2 * v) > 0.6) & (np.hypot(u, 2 * v) < 0.85)
    plane = np.stack([4.0 + 0.3 * u - 0.2 * v] * 3, axis=-1)
    light = np.where(((np.abs(u - 0.55) < 0.06) & ring)[..., None], plane - 2.0, plane)  # a rim of glasses

    def error(**style: float) -> float:
        return float(np.abs(fit_light_around(light, ring, spread=False, style=SkinStyle(**style)) - plane)[ring].mean())

    assert error(rounds=1) > error(rounds=2) > error(rounds=8)
    assert error(outlying=10.0) > 3 * error(outlying=0.1)
    wavy = plane + 0.1 * np.sin(9 * u)[..., None]
    left = [
        np.abs(fit_light_around(wavy, ring, style=SkinStyle(**style)) - wavy)[ring].mean()
        for style in ({"unsure": 1e-3}, {"unsure": 0.02}, {"unsure": 10.0})
    ]
    assert left[0] < left[1] < left[2]  # a plane alone, which is sure of itself, knows no waves
    left = [
        np.abs(fit_light_around(wavy, ring, style=SkinStyle(spread=spread)) - wavy)[ring].mean()
        for spread in (0.03, 0.16, 1.0)
    ]
    assert left[0] < left[1] < left[2]
