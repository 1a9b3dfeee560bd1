from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.masks import face_hull, inner_mouth, lower_face, mouth, region, smoothstep
from facediff.landmarks.mesh import CHIN, LEFT_EYE, LIPS_INNER, LIPS_OUTER, NOSE_TIP, RIGHT_EYE

SIZE, UNIT = (240, 260), 80.0
SHAPES = pytest.mark.parametrize("mask", [mouth, lower_face, face_hull])


@pytest.fixture
def points():
    """The mean face, its mouth open, upright in the middle of the picture."""
    face = mean_face().copy()
    face[[87, 14, 317, 178, 402, 181, 84, 17, 314, 405], 1] += 0.15
    return face * UNIT + np.array([120, 100, 0], np.float32)


def at(mask, points):
    x, y = np.rint(points[..., :2]).astype(int).T
    return mask[y, x]


@pytest.mark.parametrize(("reach", "feather"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.4), (0.2, 0.4)])
def test_around_a_disc_the_mask_is_a_function_of_the_distance(reach, feather):
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    disc = np.stack([100 + 30 * np.cos(turn), 100 + 30 * np.sin(turn)], 1)
    mask = region(disc, (200, 201), 50.0, reach=reach, feather=feather)
    y, x = np.mgrid[0:201, 0:200]
    outside = np.hypot(x - 100, y - 100) - 30
    whole, end = 50 * reach, 50 * (reach + feather)
    assert mask.shape == (201, 200) and mask.dtype == np.float32
    assert (mask[outside < whole - 1] == 1).all()
    assert (mask[outside > end + 2.5] == 0).all()
    if feather:
        middle = np.abs(outside - (whole + end) / 2) < 0.5
        np.testing.assert_allclose(mask[middle], 0.5, atol=0.15)
        assert ((mask > 0) & (mask < 1))[(outside > whole + 2.5) & (outside < end - 2.5)].all()


@SHAPES
def test_the_same_skin_is_covered_at_every_size(points, mask):
    small = mask(points, SIZE, UNIT, reach=0.15, feather=0.2)
    large_points = (points + 0.5) * 3 - 0.5  # pixel centres
    large = mask(large_points, (3 * SIZE[0], 3 * SIZE[1]), 3 * UNIT, reach=0.15, feather=0.2)
    averaged = large.reshape(SIZE[1], 3, SIZE[0], 3).mean((1, 3))
    assert np.abs(averaged - small).max() < 0.12 and np.abs(averaged - small).mean() < 0.01


@SHAPES
def test_more_reach_and_more_feather_never_cover_less(points, mask):
    for change in ("reach", "feather"):
        masks = [mask(points, SIZE, UNIT, **{change: value}) for value in (0.0, 0.1, 0.2, 0.4)]
        for less, more in zip(masks, masks[1:], strict=False):
            assert (more >= less).all() and more.sum() > less.sum() + 50


@SHAPES
def test_a_mask_moves_with_its_face(points, mask):
    moved = mask(points + np.array([7, -5, 0], np.float32), SIZE, UNIT, reach=0.1, feather=0.1)
    np.testing.assert_array_equal(moved[:-5, 7:], mask(points, SIZE, UNIT, reach=0.1, feather=0.1)[5:, :-7])


def test_each_part_lies_within_the_next(points):
    inner, lips, lower, face = (mask(points, SIZE, UNIT) for mask in (inner_mouth, mouth, lower_face, face_hull))
    for small, large in ((inner, lips), (lips, lower), (lower, face)):
        assert (small <= large + 1e-6).all() and 0 < small.sum() < 0.9 * large.sum()


def test_the_parts_cover_what_their_names_say(points):
    between = (points[13] + points[14]) / 2
    lip = (points[17] + points[14]) / 2
    assert at(inner_mouth(points, SIZE, UNIT), between) == 1 and at(inner_mouth(points, SIZE, UNIT), lip) == 0
    assert at(mouth(points, SIZE, UNIT), lip) == 1 and (at(mouth(points, SIZE, UNIT), points[LIPS_INNER]) == 1).all()
    below = points[LIPS_OUTER].max(0)[1] + 6, points[CHIN, 1] - 6
    skin = np.array([[points[17, 0], np.mean(below)], points[NOSE_TIP, :2], points[RIGHT_EYE, :2].mean(0)])
    assert at(mouth(points, SIZE, UNIT), skin).tolist() == [0, 0, 0]
    assert at(lower_face(points, SIZE, UNIT), skin).tolist() == [1, 0, 0]
    assert at(face_hull(points, SIZE, UNIT), skin).tolist() == [1, 1, 1]
    assert (at(face_hull(points, SIZE, UNIT), points[np.r_[LEFT_EYE, RIGHT_EYE]]) == 1).all()


def test_a_face_outside_the_picture_leaves_the_mask_empty(points):
    away = points + np.array([5000, 0, 0], np.float32)
    assert not face_hull(away, SIZE, UNIT, reach=0.2, feather=0.2).any()


def test_a_mask_is_cut_off_at_the_border_and_not_bent(points):
    """A polygon that is half in the picture: the mask is the part of the whole one."""
    half = points - np.array([120, 0, 0], np.float32)
    cut, whole = (face_hull(p, SIZE, UNIT, reach=0.1, feather=0.1) for p in (half, points))
    np.testing.assert_allclose(cut[:, :120], whole[:, 120:], atol=0.01)


def test_a_smooth_step_is_level_at_both_ends() -> None:
    x = np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0])
    np.testing.assert_allclose(smoothstep(x), [0, 0, 0.15625, 0.5, 0.84375, 1, 1])


@pytest.mark.parametrize("centre", [(60, 70), (-5, 60), (118, 3), (60, 128), (-300, 40)])
def test_a_mask_is_what_a_larger_picture_has_there_to_the_bit(centre):
    """Only what lies near a polygon is looked at; wherever it lies, nothing else is lost."""
    turn = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    polygon = np.stack([centre[0] + 31.3 * np.cos(turn), centre[1] + 12.7 * np.sin(3 * turn)], 1)
    whole = region(polygon + 500, (1120, 1130), 50.0, reach=0.1, feather=0.2)
    mask = region(polygon, (120, 130), 50.0, reach=0.1, feather=0.2)
    np.testing.assert_array_equal(mask, whole[500:630, 500:620])
    assert mask.any() == (centre[0] > -100)
