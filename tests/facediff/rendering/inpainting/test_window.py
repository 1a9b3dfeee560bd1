"""The window that mouths are drawn in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import LIPS_OUTER
from facediff.rendering.inpainting.window import FINEST, MouthWindow, align_mouth
from facediff.types import Points


def window(points: Points) -> MouthWindow:
    return align_mouth(points, canonicalise(points[None])[1])


def rolled(points: Points, degrees: float, scale: float = 1.0) -> Points:
    matrix = cv2.getRotationMatrix2D((256, 256), degrees, scale).astype(np.float32)
    return np.concatenate([points[:, :2] @ matrix[:, :2].T + matrix[:, 2], points[:, 2:] * scale], axis=1)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (25, 1), (-40, 1), (0, 0.3), (10, 4)])
def test_all_of_the_lips_lie_in_it_upright_however_the_head_is_held(mesh, degrees, scale) -> None:
    seen = window(rolled(mesh, degrees, scale))
    lips = seen.points[LIPS_OUTER, :2]
    assert (lips > 0).all() and (lips < seen.size).all()
    across = seen.points[291, :2] - seen.points[61, :2]
    assert across[0] > 0 and abs(across[1] / across[0]) < 0.12


def test_it_is_as_fine_as_the_face_and_no_finer_than_is_of_use(mesh) -> None:
    assert window(rolled(mesh, 0, 0.1)).unit == 96
    assert window(rolled(mesh, 0, 9)).unit == FINEST
    _, pose = canonicalise(mesh[None])
    assert window(mesh).unit >= pose.scale[0]


def test_an_eye_distance_across_the_face_is_a_unit_across_the_window(mesh) -> None:
    seen = window(rolled(mesh, 30))
    eyes = seen.points[[33, 263], :2]
    assert np.linalg.norm(eyes[1] - eyes[0]) == pytest.approx(
        np.linalg.norm(seen.linear[:, 0]), rel=0.08
    )  # her eyes are further apart than the mean
