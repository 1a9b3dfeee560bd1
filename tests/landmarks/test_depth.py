"""Faces as depth and as meshes in light."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import ConfigError, InputError
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.depth import draw_depth, draw_mesh, soften_structure
from facediff.landmarks.detection import make_detector
from facediff.landmarks.mesh import FACE_OVAL, NOSE_TIP
from facediff.motion import coefficients

SIZE = 512, 512


def at(drawn: np.ndarray, point: np.ndarray) -> float:
    column, row = np.rint(point[:2]).astype(int)
    return float(drawn[row, column])


def test_the_nose_is_nearest_cheeks_are_further_and_walls_are_nothing(mesh) -> None:
    depth = draw_depth(mesh, SIZE)
    middle = mesh[FACE_OVAL].mean(0)
    edge = middle + 0.9 * (mesh[FACE_OVAL[9]] - middle)
    assert at(depth, mesh[NOSE_TIP]) > 0.9 > at(depth, edge) > 0.1
    assert depth[0].max() == 0 and depth.max() <= 1 and depth.dtype == np.float32


def test_depth_between_points_is_theirs(mesh) -> None:
    points = mesh.copy()
    points[:, 2] = 0.5 * points[:, 0]  # a plane
    depth = draw_depth(points, SIZE)
    inside = depth > 0.11
    rows, columns = np.nonzero(inside)
    slope = np.polyfit(columns, depth[inside], 1)
    np.testing.assert_allclose(np.polyval(slope, columns), depth[inside], atol=0.01)
    assert slope[0] < 0


def test_a_head_that_only_moves_keeps_its_depth(mesh) -> None:
    moved = draw_depth(mesh + [16, 8, 300], SIZE)
    np.testing.assert_allclose(moved[8:, 16:], draw_depth(mesh, SIZE)[:-8, :-16], atol=1e-4)


def test_a_mesh_in_light_is_lit_from_the_left_and_solid(mesh) -> None:
    lit = draw_mesh(mesh, SIZE)
    right, left = (at(lit, mesh[point]) for point in (50, 280))  # the subject's cheeks; the viewer's left one first
    assert right > left
    assert np.array_equal(lit > 0, draw_depth(mesh, SIZE) > 0)


def test_each_level_tells_less_of_an_expression(mesh) -> None:
    shape, pose = canonicalise(mesh[None])
    agape = from_canonical(shape + 0.3 * coefficients.basis().opening, pose)[0]
    apart = [
        np.abs(soften_structure(draw_depth(agape, SIZE), level) - soften_structure(draw_depth(mesh, SIZE), level)).max()
        for level in range(8)
    ]
    assert all(one > other for one, other in zip(apart, apart[1:], strict=False)) and apart[7] < 0.3 * apart[0]


def test_softened_structure_keeps_its_size_and_at_level_0_itself(mesh) -> None:
    depth = draw_depth(mesh, SIZE)
    assert np.array_equal(soften_structure(depth, 0), depth)
    assert soften_structure(np.zeros((37, 21, 3)), 7).shape == (37, 21, 3)
    assert soften_structure(np.full((37, 21), 0.4), 7) == pytest.approx(0.4, abs=1e-5)


def test_nonsense_is_refused(mesh) -> None:
    with pytest.raises(ConfigError, match="level from 0 to 7, not 8"):
        soften_structure(np.zeros((8, 8)), 8)
    for draw in (draw_depth, draw_mesh):
        with pytest.raises(InputError, match="with z"):
            draw(mesh[:, :2], SIZE)


def test_a_mesh_in_light_is_found_as_a_face_whose_mouth_opens(mesh) -> None:
    """So an untextured mesh drives a portrait."""
    shape, pose = canonicalise(mesh[None])
    detector = make_detector(None, follows_motion=False, max_faces=1)
    gaps = []
    for opening in (0.0, 0.15):
        face = from_canonical(shape + opening * coefficients.basis().opening, pose)[0]
        face = (face - face.mean(0)) * 2.2 + [256, 256, 0]
        lit = np.rint(255 * draw_mesh(face, SIZE)).astype(np.uint8)
        (found,) = detector.detect(np.repeat(np.where(lit > 0, lit, 60).astype(np.uint8)[..., None], 3, axis=2))
        assert np.abs(found[:468, :2] - face[:468, :2]).mean() < 4
        gaps.append([np.linalg.norm(points[13, :2] - points[14, :2]) for points in (found, face)])
    detector.close()
    (shut, was), (agape, wanted) = gaps
    assert agape - shut > 0.5 * (wanted - was) > 0
