import numpy as np

from facediff.landmarks.alignment import FACE
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.correspondence import face_coordinates


def placed(face: np.ndarray) -> np.ndarray:
    return (face - FACE.anchor) * FACE.unit_px + [*FACE.anchor_px, 0.0]


def test_the_mean_face_from_the_front_lies_where_it_lies() -> None:
    found = face_coordinates(placed(mean_face()))
    assert found.shape == (2, 28, 28)
    cells = (np.arange(28) + 0.5) * 8 - 0.5
    x, y = np.meshgrid((cells - FACE.anchor_px[0]) / FACE.unit_px, (cells - FACE.anchor_px[1]) / FACE.unit_px)
    np.testing.assert_allclose(found, np.stack([x, y]), atol=0.02)


def test_coordinates_move_with_the_face() -> None:
    still = face_coordinates(placed(mean_face()))
    shifted = face_coordinates(placed(mean_face() + [0.1, 0.0, 0.0]))
    np.testing.assert_allclose((still - shifted)[:, 14, 14], [0.1, 0.0], atol=0.02)


def test_an_opened_mouth_keeps_its_lips_at_their_coordinates() -> None:
    face = mean_face().copy()
    chin = 152
    before = face[chin, 1]
    face[:, 1] += np.where(face[:, 1] > 1.0, 0.15, 0.0)
    pixels = placed(face)
    column, row = (pixels[chin, :2] // 8).astype(int)
    found = face_coordinates(pixels)[1, min(row, 27), column] + FACE.anchor[1]
    assert abs(found - before) < 0.1
