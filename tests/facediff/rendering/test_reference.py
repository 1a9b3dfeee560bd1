import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.tracker import track_still
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.rendering.reference import Reference


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return track_still(astronaut()).points[0]


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def window(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    return align(canonicalise(points[None])[1], MOUTH).crop(frame, 0)


def test_of_the_same_moment_it_is_the_crop(points) -> None:
    made = Reference(astronaut(), points).window(points, canonicalise(points[None])[1])
    assert made.shape == (*MOUTH.size[::-1], 3) and made.dtype == np.uint8
    assert off(made, window(astronaut(), points)) < 1.0


@pytest.mark.parametrize(("zoom", "turn", "shift"), [(1.0, 0, (60, 40)), (0.6, 25, (20, 150)), (1.4, -20, (-90, 10))])
def test_where_the_other_frame_has_the_face_does_not_matter(points, zoom, turn, shift) -> None:
    """The same face elsewhere in the picture, larger or smaller, turned in its plane: the window is the same."""
    matrix = cv2.getRotationMatrix2D((float(points[1, 0]), float(points[1, 1])), turn, zoom)
    matrix[:, 2] += shift
    there = points * np.float32(zoom)
    there[:, :2] = points[:, :2] @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    made = Reference(astronaut(), points).window(there, canonicalise(there[None])[1])
    assert off(made, window(astronaut(), points)) < 1.5


def test_an_open_mouth_is_closed_and_its_colours_come_along(points) -> None:
    """What the reference shows is brought to the wanted landmarks, not left where it is."""
    canonical, pose = canonicalise(points[None])
    opened = from_canonical(canonical + 0.15 * coefficients.basis().opening, pose)[0]
    other = MeshWarp(astronaut(), points)(opened)
    other = np.clip(other * 0.5, 0, 255).astype(np.uint8)  # a moment in the shade
    wanted = window((astronaut() * 0.5).astype(np.uint8), points)
    made = Reference(other, opened).window(points, pose)
    unmoved = window(other, opened)
    lips = np.s_[40:110, 50:142]
    assert off(made[lips], wanted[lips]) < 0.5 * off(unmoved[lips], wanted[lips])
    assert off(made[lips], wanted[lips]) < 4


def test_what_it_is_given_is_left_alone(points) -> None:
    frame, before = astronaut(), points.copy()
    Reference(frame, points).window(points + 5, canonicalise(points[None])[1])
    np.testing.assert_array_equal(frame, astronaut())
    np.testing.assert_array_equal(points, before)
