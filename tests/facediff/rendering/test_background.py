"""What is behind a person."""

from __future__ import annotations

import numpy as np

from facediff.rendering.background import make_backdrop, measure_busyness


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A wall that gets lighter from left to right, the same with somebody red before it, and where they are."""
    wall = np.repeat(np.linspace(60, 160, 160)[None, :, None], 120, axis=0).repeat(3, axis=2).astype(np.uint8)
    mask = np.zeros((120, 160), np.float32)
    mask[40:, 60:100] = 1
    frame = wall.copy()
    frame[mask > 0] = (200, 20, 20)
    return wall, frame, mask


def test_the_person_is_gone_and_the_wall_goes_on_behind_them() -> None:
    wall, frame, mask = scene()
    made = make_backdrop(frame, mask, edge_px=3)
    assert np.abs(made[mask > 0] - wall[mask > 0]).mean() < 10
    assert np.abs(frame[mask > 0].astype(float) - wall[mask > 0]).mean() > 50


def test_far_from_the_person_the_picture_stays() -> None:
    _, frame, mask = scene()
    np.testing.assert_allclose(make_backdrop(frame, mask, edge_px=3)[:, :40], frame[:, :40], atol=0.5)


def test_a_pattern_is_busier_than_a_wall_and_the_person_does_not_count() -> None:
    wall, frame, mask = scene()
    checks = (np.indices((120, 160)) // 8).sum(axis=0) % 2 * 120
    pattern = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    assert measure_busyness(frame, mask, 24) < 3 < 10 < measure_busyness(pattern, mask, 24)
    spotted = frame.copy()
    spotted[50:, 65:95] = pattern[50:, 65:95]  # a checked shirt
    assert abs(measure_busyness(spotted, mask, 24) - measure_busyness(frame, mask, 24)) < 0.5


def test_where_all_is_person_there_is_no_background() -> None:
    assert measure_busyness(np.zeros((40, 40, 3), np.uint8), np.ones((40, 40), np.float32), 24) == 0
