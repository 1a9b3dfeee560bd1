from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.drawing import BROWS, EYES, FACE, LIPS, draw_contours, draw_mesh, draw_points
from facediff.landmarks.mesh import CHIN, FACE_OVAL, LEFT_IRIS, LIPS_INNER, LIPS_OUTER, MESH_POINTS, RIGHT_BROW

ALL = pytest.mark.parametrize("draw", [draw_points, draw_contours, draw_mesh])


@pytest.fixture
def frame():
    return np.random.default_rng(0).integers(0, 60, (400, 360, 3), dtype=np.uint8)


@pytest.fixture
def points():
    """The mean face with every landmark on the centre of a pixel."""
    return np.rint(mean_face() * 150 + np.array([180, 140, 0], np.float32))


def at(image, points):
    x, y = points[..., :2].astype(int).T
    return image[y, x]


@ALL
def test_the_frame_given_is_left_alone(frame, points, draw):
    before = frame.copy()
    out = draw(frame, points)
    np.testing.assert_array_equal(frame, before)
    assert out.shape == frame.shape and out.dtype == np.uint8 and (out != frame).any()


@ALL
def test_an_absent_face_draws_nothing(frame, points, draw):
    np.testing.assert_array_equal(draw(frame, np.full_like(points, np.nan)), frame)


@ALL
def test_depth_does_not_matter(frame, points, draw):
    np.testing.assert_array_equal(draw(frame, points), draw(frame, points[:, :2]))


@ALL
def test_far_from_the_face_nothing_changes(frame, points, draw):
    changed = (draw(frame, points) != frame).any(-1)
    rows, columns = np.nonzero(changed)
    low, high = points[:, :2].min(0) - 3, points[:, :2].max(0) + 3
    assert columns.min() >= low[0] and rows.min() >= low[1] and columns.max() <= high[0] and rows.max() <= high[1]


@ALL
def test_a_face_beyond_the_border_is_drawn_as_far_as_it_is_seen(frame, points, draw):
    out = draw(frame, points - np.array([180, 0, 0], np.float32))
    whole = draw(np.pad(frame, ((0, 0), (180, 0), (0, 0))), points)
    np.testing.assert_array_equal(out[:, 4:], whole[:, 184:])  # OpenCV's own soft edges differ at the border


def test_dots_have_their_colour_and_their_radius(frame):
    out = draw_points(frame, np.array([[100.0, 80.0], [200.0, 150.0]]), colour=(250, 10, 90), radius=6)
    y, x = np.mgrid[0:400, 0:360]
    distance = np.minimum(np.hypot(x - 100, y - 80), np.hypot(x - 200, y - 150))
    assert (out[distance < 5] == (250, 10, 90)).all()
    np.testing.assert_array_equal(out[distance > 8], frame[distance > 8])


def test_dots_keep_to_fractions_of_a_pixel():
    black = np.zeros((40, 40, 3), np.uint8)
    weights = draw_points(black, np.array([[20.5, 15.25]]), colour=(255, 255, 255), radius=4)[..., 0].astype(float)
    y, x = np.mgrid[0:40, 0:40]
    centre = (x * weights).sum() / weights.sum(), (y * weights).sum() / weights.sum()
    assert centre == pytest.approx((20.5, 15.25), abs=0.1)


def test_every_landmark_gets_its_dot(frame, points):
    out = draw_points(frame, points, colour=(255, 0, 255))
    assert (at(out, points) == (255, 0, 255)).all()


def test_outlines_run_through_their_landmarks_in_their_colours(points):
    black = np.zeros((400, 360, 3), np.uint8)
    out = draw_contours(black, points)
    for line, colour in ((FACE_OVAL, FACE), (LIPS_OUTER, LIPS), (LEFT_IRIS[1:], EYES), (RIGHT_BROW, BROWS)):
        np.testing.assert_allclose(at(out, points[line]), np.tile(colour, (len(line), 1)), atol=60)
    assert at(out, points[LIPS_INNER]).any(-1).all()
    cheek = (points[50] + points[CHIN]) / 2
    assert not at(draw_contours(black, points), np.rint(cheek)).any()


def test_thicker_lines_cover_more(points):
    black = np.zeros((400, 360, 3), np.uint8)
    covered = [int(draw_contours(black, points, thickness=t).any(-1).sum()) for t in (1, 3, 5)]
    assert covered[1] > 1.4 * covered[0] and covered[2] > 1.2 * covered[1]


def test_the_mesh_ties_every_landmark_but_the_irises(points):
    out = draw_mesh(np.zeros((400, 360, 3), np.uint8), points, colour=(200, 100, 50), opacity=1.0)
    assert at(out, points[:MESH_POINTS]).any(-1).all()
    assert not (out > np.array([200, 100, 50])).any()


def test_opacity_blends_from_nothing_to_all(frame, points):
    clear, half, solid = (draw_mesh(frame, points, opacity=o).astype(float) for o in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(clear, frame)
    np.testing.assert_allclose(half, (clear + solid) / 2, atol=1)
    assert (solid.max((0, 1)) == FACE).all()


@pytest.mark.parametrize("opacity", [0.1, 0.3, 0.7])
def test_away_from_the_lines_no_opacity_changes_the_frame(frame, points, opacity):
    bare = (draw_mesh(frame, points, opacity=1.0) == frame).all(-1)
    np.testing.assert_array_equal(draw_mesh(frame, points, opacity=opacity)[bare], frame[bare])
