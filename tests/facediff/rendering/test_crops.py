"""Crops as networks and drawings take them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facediff.landmarks.alignment import FACE, align
from facediff.landmarks.canonical import canonicalise
from facediff.rendering.crops import as_levels, as_pictures, choose_drawing_unit, fade_border, place_in_crop


def test_levels_come_back_from_pictures_and_never_leave_their_range() -> None:
    crops = [np.random.default_rng(k).integers(0, 256, (6, 4, 3)).astype(np.uint8) for k in range(2)]
    pictures = as_pictures(crops)
    assert pictures.shape == (2, 3, 6, 4) and pictures.min() >= -1 and pictures.max() <= 1
    np.testing.assert_array_equal(np.rint(as_levels(pictures)), np.stack(crops))
    beyond = as_levels(torch.tensor([-3.0, 3.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2))
    assert (beyond.min(), beyond.max()) == (0, 255)


def test_a_fade_is_0_at_the_border_and_1_inside() -> None:
    fade = fade_border((40, 20), width=5)
    assert fade.shape == (20, 40)
    assert not fade[[0, -1]].any() and not fade[:, [0, -1]].any()
    assert (fade[5:-5, 5:-5] == 1).all()
    np.testing.assert_array_equal(fade, fade[::-1, ::-1])


def test_the_unit_of_a_drawing_grows_in_steps_and_stays_within_bounds() -> None:
    units = [choose_drawing_unit(scale, 288) for scale in np.linspace(1, 600, 200)]
    assert units == sorted(units) and (units[0], units[-1]) == (96, 288)
    assert all(unit % 48 == 0 for unit in units)
    assert all(unit >= scale for unit, scale in zip(units, np.linspace(1, 600, 200), strict=True) if unit < 288)


def test_a_face_in_a_crop_is_as_large_as_the_crop_says_in_all_three_directions(mesh) -> None:
    _, pose = canonicalise(mesh[None])
    seen = place_in_crop(mesh, align(pose, FACE), pose, FACE)
    larger = FACE.unit_px / pose.scale[0]
    eyes = np.linalg.norm(seen[33, :2] - seen[263, :2]), np.linalg.norm(mesh[33, :2] - mesh[263, :2])
    assert eyes[0] / eyes[1] == pytest.approx(larger, rel=1e-3)
    np.testing.assert_allclose(np.ptp(seen[:, 2]), np.ptp(mesh[:, 2]) * larger, rtol=1e-4)


def test_levels_are_not_written_into_the_pictures() -> None:
    pictures = torch.zeros(1, 3, 2, 2)
    assert np.all(as_levels(pictures) == 127.5) and not pictures.any()
