"""Folds darken skin along their lines, by a share of its own light, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.folds import FOLDS, draw_folds, shade_folds

UNIT, MIDDLE = 160.0, np.array([160.0, 140.0, 0.0])  # pixels to an eye distance, and where the eyes' middle is
NAMES = list(FOLDS)


def place(yaw: float = 0.0) -> np.ndarray:
    """The mean face (478, 3) in pixels, turned by some degrees."""
    return mean_face() @ Rotation.from_euler("y", yaw, degrees=True).as_matrix().T * UNIT + MIDDLE


def only(name: str, strength: float = 1.0) -> np.ndarray:
    return strength * np.eye(len(FOLDS))[NAMES.index(name)]


def lost(level: int, strengths: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """Levels (400, 320) that plain skin loses."""
    skin = np.full((400, 320, 3), level, np.uint8)
    return (skin.astype(int) - shade_folds(skin, place(yaw), strengths))[..., 0]


@pytest.mark.parametrize("name", NAMES)
def test_a_fold_is_darkest_on_its_line_on_both_sides_alike_and_ends_soon(name) -> None:
    drawn = draw_folds(place(), (400, 320))[NAMES.index(name)]
    line, depth = np.array(FOLDS[name].line), FOLDS[name].depth
    for side in (1, -1):
        x, y = np.rint(line[1] * (side, 1) * UNIT + MIDDLE[:2]).astype(int)
        assert drawn[y - 2 : y + 3, x - 2 : x + 3].max() > 0.6 * depth
    assert drawn.max() < 2.2 * depth
    np.testing.assert_allclose(drawn[:, 1:], drawn[:, :0:-1], atol=0.25 * depth)
    rows, columns = np.nonzero(np.abs(drawn) > 0.01)
    left, top = (line.min(axis=0) - 0.25) * UNIT + MIDDLE[:2]
    assert rows.min() > top and columns.min() > left
    assert rows.max() < (line[:, 1].max() + 0.25) * UNIT + MIDDLE[1]


def test_skin_loses_a_share_of_its_own_light() -> None:
    light, dark = lost(200, only("frown")).max(), lost(60, only("frown")).max()
    assert light > 25 and abs(light / dark - 200 / 60) < 0.5
    assert abs(lost(200, only("frown", 0.5)).max() - light / 2) <= 2


def test_no_fold_leaves_the_picture_bit_for_bit_and_one_off_the_picture_does_no_harm() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 320, 3), np.uint8)
    np.testing.assert_array_equal(shade_folds(picture, place(), np.zeros(len(FOLDS))), picture)
    np.testing.assert_array_equal(shade_folds(picture, place() + (900, 0, 0), np.ones(len(FOLDS))), picture)
    half = shade_folds(picture, place() - (160, 0, 0), np.ones(len(FOLDS)))
    assert half.shape == picture.shape and not np.array_equal(half, picture)


def test_a_cheek_that_turns_away_has_no_fold() -> None:
    ahead, turned = (lost(200, only("cheek"), yaw).max(axis=0) > 12 for yaw in (0.0, 60.0))
    assert np.ptp(np.flatnonzero(ahead)) > 0.5 * UNIT  # one on each side
    assert 0 < np.ptp(np.flatnonzero(turned)) < 0.3 * UNIT
