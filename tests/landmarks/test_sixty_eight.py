"""A whole mesh through 68 points."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.mesh import LEFT_IRIS, RIGHT_IRIS
from facediff.landmarks.sixty_eight import MESH_OF_68, lift


def eye_distance(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[33] - points[263]))


def test_it_passes_through_the_points_and_comes_near_the_whole_face(mesh) -> None:
    lifted = lift(mesh[MESH_OF_68])
    np.testing.assert_allclose(lifted[MESH_OF_68], mesh[MESH_OF_68], atol=0.01)
    error = np.linalg.norm((lifted - mesh)[:468, :2], axis=1) / eye_distance(mesh)
    assert np.median(error) < 0.05 and error.max() < 0.3


def test_it_moves_turns_and_grows_with_the_points(mesh) -> None:
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    once = lift(mesh[MESH_OF_68])
    again = lift(1.7 * mesh[MESH_OF_68] @ turn.T + (5, -8, 0))
    np.testing.assert_allclose(again, 1.7 * once @ turn.T + (5, -8, 0), atol=0.05 * eye_distance(mesh))


def test_irises_rest_in_the_middle_of_the_eyes(mesh) -> None:
    lifted = lift(mesh[MESH_OF_68])
    for iris, corners in ((RIGHT_IRIS, (33, 133)), (LEFT_IRIS, (263, 362))):
        off = lifted[iris[0], :2] - lifted[list(corners), :2].mean(axis=0)
        assert np.linalg.norm(off) < 0.06 * eye_distance(mesh)
