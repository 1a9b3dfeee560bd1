"""Smiles laid over one another, tooth upon tooth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.training.teeth import FINE, PLATE, Smile, cut_smile, fit_teeth

WIDE = np.array([0.0, 26, 50, 70, 86])  # right edges of half a row of teeth, from the middle
TALL = np.array([40.0, 34, 36, 30])


def drawn(size: float, across: float, down: float) -> Smile:
    """A row of teeth of some size, at some place, between lips that show it and the dark below."""
    width, height = FINE.size
    y, x = np.mgrid[0:height, 0:width].astype(float)
    u, v = np.abs(x - 160 - across) / size, (y - 60 - down) / size
    tooth = np.clip(np.searchsorted(WIDE, u, side="right") - 1, 0, 3)
    gap = np.minimum(np.abs(u - WIDE[tooth]), np.abs(u - WIDE[tooth + 1]))
    draw_mouth_interior = (u < WIDE[-1]) & (v > 0) & (v < TALL[tooth])
    grey = np.where(draw_mouth_interior, 0.7 + 0.3 * np.clip(gap / 5, 0, 1), 0.2)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32)
    lips = ((x - 160) / 88) ** 2 + ((y - 88) / 30) ** 2 < 1
    return Smile(np.repeat(grey[..., None], 3, axis=2), lips.astype(np.float32), (160.0, 60.0))


@pytest.fixture(scope="module")
def plate() -> dict[str, np.ndarray]:
    ways = [(1.0, 0, 0), (1.08, 3, 4), (0.94, -3, -4), (1.04, 2, 8), (0.98, -2, 2), (1.0, 4, 6)]
    return fit_teeth([drawn(*way) for way in ways], rounds=4)


def test_teeth_lie_upon_teeth_and_gaps_upon_gaps(plate) -> None:
    picture = plate["picture"].astype(float)
    assert picture.shape == (*PLATE[::-1], 4)
    row = picture[int(plate["edge_row"]) - 14, :, 0]
    middle, scale = PLATE[0] // 2, float(plate["unit_px"]) / 288 / np.mean([1.0, 1.08, 0.94, 1.04, 0.98, 1.0])
    assert 0.9 < scale < 1.1
    for left, right in zip(WIDE[:3], WIDE[1:4], strict=True):
        gap, tooth = row[middle + round(right)], row[middle + round((left + right) / 2)]
        assert tooth - gap > 0.1  # laid as they came, gaps are lost


def test_the_plate_is_symmetric_and_ends_with_the_teeth(plate) -> None:
    picture = plate["picture"].astype(float)
    assert np.abs(picture - picture[:, ::-1])[:, :, 3].mean() < 0.05
    middle, edge = PLATE[0] // 2, float(plate["edge_row"])
    solid = picture[:, middle - 10, 3]
    assert solid[int(edge) - 6] == 1.0
    assert solid[min(int(edge) + 5, PLATE[1] - 1)] == 0.0
    assert not picture[:, [0, -1], 3].any()


def test_one_smile_is_nobodys_mean() -> None:
    with pytest.raises(ConfigError, match="1 of the portraits smile.*give two"):
        fit_teeth([drawn(1.0, 0, 0)])


def test_closed_lips_show_no_smile() -> None:
    points = np.zeros((478, 2), np.float32)
    assert cut_smile(np.zeros((*FINE.size[::-1], 3), np.uint8), points) is None
