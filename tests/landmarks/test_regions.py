from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from facediff.landmarks.detection import eye_distance
from facediff.landmarks.regions import (
    Region,
    crop_region,
    from_region,
    join_regions,
    overlap,
    region_of_mesh,
    squeeze,
    whole_picture,
)


def dot(x: float, y: float, shape=(300, 400)) -> np.ndarray:
    """A soft white dot, in pixels whose centres are halves."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    light = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return np.repeat((255 * light).round().astype(np.uint8)[..., None], 3, 2)


def centre(image: np.ndarray) -> tuple[float, float]:
    light = image[..., 0].astype(float)
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]] + 0.5
    return float((light * columns).sum() / light.sum()), float((light * rows).sum() / light.sum())


@pytest.mark.parametrize("angle", [0.0, 0.6, -2.0, 3.1])
def test_a_point_of_a_crop_goes_back_to_where_it_was(angle):
    region = Region(210.0, 160.0, 150.0, angle)
    x, y = centre(crop_region(dot(235.3, 140.8), region, 96, replicate=False))
    (back,) = from_region(np.array([[x, y, 3.0]]), region, 96)
    # MediaPipe counts from the middles of pixels here and from their edges there: half a pixel of each off
    np.testing.assert_allclose(back[:2], (235.3, 140.8), atol=1.7)
    assert back[2] == pytest.approx(3.0 * 150 / 96)


def test_beyond_the_edge_lie_the_last_pixels_or_nothing():
    white = np.full((50, 50, 3), 200, np.uint8)
    region = Region(0.0, 0.0, 60.0, 0.0)
    assert crop_region(white, region, 32, replicate=True).min() == 200
    assert crop_region(white, region, 32, replicate=False)[0, 0].max() == 0


def test_the_region_of_a_mesh_has_its_eyes_level(mesh):
    turn = cv2.getRotationMatrix2D((256, 256), 33, 1.2)
    turned = mesh.copy()
    turned[:, :2] = mesh[:, :2] @ turn[:, :2].T + turn[:, 2]
    region = region_of_mesh(turned)
    way = turned[263] - turned[33]
    assert region.angle == pytest.approx(math.atan2(way[1], way[0]))
    assert 2.5 < region.side / eye_distance(turned) < 4.5


def test_a_whole_picture_is_padded_to_a_square_or_squeezed():
    wide = np.full((100, 200, 3), 255, np.uint8)
    padded = crop_region(wide, whole_picture(wide), 64, replicate=False)
    assert padded[32].min() == 255 and padded[4].max() == 0
    assert squeeze(wide, 64)[2:-2, 2:-2].min() == 255


def test_overlap_is_what_is_shared_of_both():
    a = Region(50, 50, 40, 0)
    assert overlap(a, a) == 1
    assert overlap(a, a._replace(x=70)) == pytest.approx(1 / 3)
    assert overlap(a, a._replace(x=100)) == 0 and overlap(a, a._replace(side=20)) == 0.25


def test_a_followed_face_takes_the_place_of_the_one_that_was_found_there():
    here, near, far = Region(50, 50, 40, 0), Region(54, 50, 40, 0.2), Region(200, 50, 40, 0)
    assert join_regions([here, far], [near]) == [far, near]
    assert join_regions([], [near]) == [near] and join_regions([here, far], []) == [here, far]
