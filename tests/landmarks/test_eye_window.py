"""An eye in a window of its own."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.eye_window import (
    CORNERS,
    MIDDLE,
    WIDTH,
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
