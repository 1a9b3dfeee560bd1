from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import fit_pose
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.raster import LIP_MAPS, draw_lips

LOWER_LIP = [17, 84, 314, 181, 405, 14, 87, 317, 178, 402]


@pytest.fixture
def points(mesh):
    """The smile of the portrait, in pixels of the mouth crop."""
    return align(fit_pose(mesh[None]), MOUTH).to_crop(mesh, 0)


def area_and_centroid(polygon):
    (x, y), (u, v) = polygon.T.astype(float), np.roll(polygon, -1, axis=0).T.astype(float)
    cross = x * v - u * y
    return abs(cross.sum()) / 2, np.array([((x + u) * cross).sum(), ((y + v) * cross).sum()]) / (3 * cross.sum())


def centroid(image):
    """Of one map, in pixels of the crop."""
    weights = image.astype(float)
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    return (np.array([(x * weights).sum(), (y * weights).sum()]) / weights.sum() + 0.5) * 2 - 0.5


@pytest.mark.parametrize("size", [MOUTH.size, (256, 200)])
def test_the_maps_have_half_the_size_of_the_crop(points, size):
    maps = draw_lips(points, size)
    assert maps.shape == (LIP_MAPS, size[1] // 2, size[0] // 2) and maps.dtype == np.uint8


def test_inside_is_white_outside_is_black_and_the_edge_is_soft(points):
    outer, inner = draw_lips(points, MOUTH.size)
    upper_lip, between = (points[0] + points[13]) / 2, (points[13] + points[14]) / 2
    for place, expected in ((upper_lip, (255, 0)), (between, (255, 255)), (points[2], (0, 0)), (points[152], (0, 0))):
        x, y = np.clip(np.rint((place + 0.5) / 2 - 0.5).astype(int), 0, [95, 79])
        assert (outer[y, x], inner[y, x]) == expected
    assert 0 < ((outer > 0) & (outer < 255)).sum() < 0.3 * (outer == 255).sum()
    assert (inner <= outer).all()


@pytest.mark.parametrize("shift", [(0, 0), (0.5, 0.25), (1.25, 0.75), (10.4, -3.7)])
def test_the_lips_are_where_the_landmarks_are(points, shift):
    moved = points + np.array(shift, np.float32)
    area, centre = area_and_centroid(moved[LIPS_OUTER])
    outer = draw_lips(moved, MOUTH.size)[0]
    np.testing.assert_allclose(centroid(outer), centre, atol=0.8)
    perimeter = np.linalg.norm(np.diff(moved[LIPS_OUTER], axis=0, append=moved[LIPS_OUTER][:1]), axis=1).sum()
    assert area < outer.sum() / 255 * 4 < area + 2.2 * perimeter  # a pixel of the map wider at most


def test_a_mouth_that_opens_shows_ever_more_of_its_inside(points):
    closed = points.copy()
    closed[LIPS_INNER[1:10]] = points[LIPS_INNER[:10:-1]]  # the lower line laid on the upper
    opened = []
    for gap in (0, 4, 8, 16):
        lips = closed.copy()
        lips[LOWER_LIP, 1] += gap
        opened.append(int(draw_lips(lips, MOUTH.size)[1].sum()))
    assert all(more > 1.15 * less for less, more in zip(opened, opened[1:], strict=False))


def test_depth_does_not_matter(points, mesh):
    deep = np.concatenate([points, mesh[:, 2:]], axis=1)
    np.testing.assert_array_equal(draw_lips(deep, MOUTH.size), draw_lips(points, MOUTH.size))
