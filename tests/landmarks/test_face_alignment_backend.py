"""The library itself is not installed for the tests: a stand-in plays its part."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.detection import make_detector
from facediff.landmarks.face_alignment_backend import FaceAlignmentMesh
from facediff.landmarks.head_pose import rotations
from facediff.landmarks.mesh import LEFT_EYE, LEFT_IRIS
from facediff.landmarks.sixty_eight import MESH_OF_68, lift
from facediff.types import RigidPose

FRAME = np.zeros((400, 400, 3), np.uint8)
# What the 68 points become in a mirror.
MIRRORED = np.array([*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
                     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
                     64, 63, 62, 61, 60, 67, 66, 65])  # fmt: skip


def posed(count=6, seed=0):
    """The mean face (T, 478, 3) in various poses."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform([-60, -30, -60], [60, 30, 60], (count, 3))
    scale, where = rng.uniform(40, 300, count), rng.uniform(0, 500, (count, 3))
    return from_canonical(mean_face(), RigidPose(rotations(angles), scale.astype(np.float32), where.astype(np.float32)))


@pytest.fixture
def library(monkeypatch):
    """Puts a stand-in in the library's place that finds the faces given, its depth towards the camera."""

    def install(faces=None, error=None):
        def make(*_, **__):
            if error is not None:
                raise error
            seen = None if faces is None else [face[MESH_OF_68] * np.array([1, 1, -1]) for face in faces]
            return SimpleNamespace(get_landmarks_from_image=lambda frame: seen)

        kinds = SimpleNamespace(THREE_D=3)
        monkeypatch.setitem(sys.modules, "face_alignment", SimpleNamespace(FaceAlignment=make, LandmarksType=kinds))

    return install


def test_without_the_library_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(MissingExtra, match=r"needs face-alignment: pip install 'facediff\[face-alignment\]'"):
        make_detector("face-alignment", follows_motion=False, max_faces=1)


@pytest.mark.parametrize("error", [OSError("no route to host"), RuntimeError("corrupt archive")])
def test_without_its_weights_the_error_says_what_to_do(library, error):
    library(error=error)
    with pytest.raises(WeightsError, match=f"{error}.*'torch', which needs none"):
        FaceAlignmentMesh(device="cpu")


@pytest.mark.parametrize("faces", [None, []])
def test_a_frame_without_a_face_gives_none(library, faces):
    library(faces)
    assert FaceAlignmentMesh(device="cpu").detect(FRAME) == []


def test_a_face_comes_back_as_a_mesh_with_its_depth_the_right_way(library):
    faces = posed(1)
    library(faces)
    (found,) = FaceAlignmentMesh(device="cpu").detect(FRAME)
    np.testing.assert_allclose(found, faces[0], atol=0.05)


def test_the_largest_faces_are_reported_first_and_not_more_than_asked_for(library):
    sizes = [90.0, 200.0, 140.0]
    faces = [mean_face() * size for size in sizes]
    library(faces)
    widths = [np.ptp(mesh[:, 0]) for mesh in FaceAlignmentMesh(max_faces=2, device="cpu").detect(FRAME)]
    assert widths == pytest.approx([np.ptp(faces[1][:, 0]), np.ptp(faces[2][:, 0])], rel=1e-3)


def test_the_68_points_mirror_as_the_layout_says():
    assert len(set(MESH_OF_68)) == 68
    face = mean_face()[MESH_OF_68]
    np.testing.assert_allclose(face[MIRRORED] * np.array([-1, 1, 1]), face, atol=1e-3)


def test_the_68_points_follow_one_another_as_the_layout_says():
    jaw, brows, nose, eyes, lips = np.split(mean_face()[MESH_OF_68], [17, 27, 36, 48])
    assert (np.diff(jaw[:, 0]) > 0).all() and jaw[:, 1].argmax() == 8
    assert (np.diff(brows[:, 0]) > 0).all() and brows[:, 1].max() < eyes[:, 1].min()
    assert (np.diff(nose[:4, 1]) > 0).all() and (np.diff(nose[4:, 0]) > 0).all()
    assert (eyes[[1, 2, 7, 8], 1] < eyes[[5, 4, 11, 10], 1]).all()  # upper lids over lower ones
    assert (np.diff(lips[:7, 0]) > 0).all() and (np.diff(lips[6:12, 0]) < 0).all()
    assert lips[3, 1] < lips[14, 1] < lips[18, 1] < lips[9, 1]  # outer, inner, inner, outer


def test_the_mean_face_is_found_whole_at_any_pose():
    for face in posed():
        np.testing.assert_allclose(lift(face[MESH_OF_68].astype(float)), face, atol=0.02)


def test_the_mesh_goes_through_the_landmarks(mesh):
    np.testing.assert_allclose(lift(mesh[MESH_OF_68].astype(float))[MESH_OF_68], mesh[MESH_OF_68], atol=1e-3)


def test_a_real_face_is_close_to_its_full_mesh(mesh):
    off = np.linalg.norm((lift(mesh[MESH_OF_68].astype(float)) - mesh)[:, :2], axis=1)
    assert off.mean() < 0.025 * np.linalg.norm(mesh[33] - mesh[263])


def test_gaze_is_always_straight_ahead():
    glance = mean_face() * 100
    glance[LEFT_IRIS, 0] += 10
    lifted = lift(glance[MESH_OF_68].astype(float)) / 100
    middle = lifted[LEFT_IRIS[0]] - lifted[LEFT_EYE].mean(0)
    np.testing.assert_allclose(middle, mean_face()[LEFT_IRIS[0]] - mean_face()[LEFT_EYE].mean(0), atol=1e-3)
