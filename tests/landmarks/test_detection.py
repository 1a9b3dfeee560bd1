from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from facediff.errors import ConfigError, InputError, NoFaceFound, SeveralFaces
from facediff.landmarks.detection import (
    FaceFinder,
    choose_face,
    eye_distance,
    find_faces,
    looks_human,
    make_detector,
    refuse_profile,
)
from facediff.landmarks.head_pose import rotations


@pytest.fixture(scope="module")
def finder():
    with FaceFinder() as finder:
        yield finder


def scene(portrait, size, *heads):
    """Heads (x, y, zoom) of the portrait on a smooth background."""
    colours = np.random.default_rng(0).integers(60, 200, (3, 5, 3), dtype=np.uint8)
    canvas = cv2.resize(colours, size, interpolation=cv2.INTER_CUBIC)
    for x, y, zoom in heads:
        head = cv2.resize(portrait[0:240, 110:340], None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        canvas[y : y + head.shape[0], x : x + head.shape[1]] = head
    return canvas


def test_the_face_of_a_portrait_is_found_where_it_is(portrait, mesh):
    faces = find_faces(portrait)
    assert len(faces) == 1 and faces[0].shape == (478, 3)
    assert np.abs(faces[0] - mesh)[:, :2].mean() < 1.0


@pytest.mark.parametrize("zoom", [0.5, 0.75])
def test_a_face_that_is_small_in_a_wide_scene_is_found(finder, portrait, zoom):
    faces = finder(scene(portrait, (1920, 1080), (1200, 300, zoom)))
    assert len(faces) == 1
    assert eye_distance(faces[0]) == pytest.approx(60.5 * zoom, rel=0.06)
    assert np.abs(faces[0][:, :2].mean(0) - (1200 + 114 * zoom, 300 + 125 * zoom)).max() < 12


def test_a_large_photo_gives_landmarks_in_its_own_pixels(finder, portrait, mesh):
    large = cv2.resize(portrait, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    (found,) = finder(large)
    assert np.abs(found - 8 * mesh)[:, :2].mean() < 8.0


def test_faces_are_listed_from_left_to_right(finder, portrait):
    faces = finder(scene(portrait, (1000, 500), (700, 100, 1.0), (50, 50, 1.5), (450, 200, 0.8)))
    centres = [float(face[:, 0].mean()) for face in faces]
    assert len(faces) == 3 and centres == sorted(centres)
    assert [round(eye_distance(face) / 60.5, 1) for face in faces] == pytest.approx([1.5, 0.8, 1.0], abs=0.11)


@pytest.mark.parametrize("picture", ["cat", "coffee", "blank", "noise"])
def test_what_is_not_human_is_no_face(finder, picture):
    if picture == "blank":
        image = np.full((300, 400, 3), 127, np.uint8)
    elif picture == "noise":
        image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    else:
        image = getattr(skimage.data, picture)()
    assert finder(image) == []


def test_a_mesh_out_of_human_proportion_is_refused(mesh):
    assert looks_human(mesh)
    muzzle = mesh.copy()
    muzzle[:, 2] += 0.8 * np.exp(-((mesh[:, :2] - mesh[197, :2]) ** 2).sum(1) / 800) * -eye_distance(mesh)
    assert not looks_human(muzzle)


def test_the_only_face_or_one_that_dominates_needs_no_choice(mesh):
    small = mesh * 0.4
    assert choose_face([mesh], None) is mesh
    assert choose_face([small, mesh], None) is mesh
    assert choose_face([small, mesh], 0) is small


def test_faces_of_like_size_must_be_chosen_among(mesh):
    faces = [mesh * 0.9, mesh + 300.0]
    with pytest.raises(SeveralFaces, match="2 faces; choose one with face='largest' or face=0 to 1"):
        choose_face(faces, None, where="a.png")
    assert choose_face(faces, "largest") is faces[1]
    assert choose_face(faces, 0) is choose_face(faces, "left") is faces[0]
    assert choose_face(faces[::-1], "right") is faces[0]


@pytest.mark.parametrize("face", [2, -1])
def test_an_index_beyond_the_faces_is_named(mesh, face):
    with pytest.raises(InputError, match=f"face {face} was asked for, but a.png has 2"):
        choose_face([mesh, mesh], face, where="a.png")


@pytest.mark.parametrize("face", ["smallest", 0.5, True])
def test_a_choice_that_makes_no_sense_is_refused(mesh, face):
    with pytest.raises(InputError, match="'largest', 'left', 'right' or by its index"):
        choose_face([mesh], face)


def test_no_face_and_a_tiny_face_are_refused_with_the_reason(mesh):
    with pytest.raises(NoFaceFound, match="no human face was found in a.png"):
        choose_face([], None, where="a.png")
    with pytest.raises(NoFaceFound, match="too small: 12 pixels between the eyes, at least 24"):
        choose_face([mesh * np.float32(12.2 / eye_distance(mesh))], None)


@pytest.mark.parametrize("roll", [120, 190])
def test_a_face_that_lies_is_found_where_it_is(portrait, roll):
    head = np.ascontiguousarray(portrait[:256, 96:352])
    (upright,) = find_faces(head)
    side = round(1.42 * 256)
    there = cv2.getRotationMatrix2D((128, 128), roll, 1)
    there[:, 2] += side / 2 - 128
    (found,) = find_faces(cv2.warpAffine(head, there, (side, side), borderValue=(128, 128, 128)))
    wanted = upright[:, :2] @ there[:, :2].T + there[:, 2]
    assert np.linalg.norm(found[:, :2] - wanted, axis=1).mean() < 0.1 * eye_distance(upright)


def test_nobody_is_seen_in_a_cup_however_it_is_turned():
    assert find_faces(skimage.data.coffee()) == []


def test_a_head_turned_away_is_refused_with_its_angle(mesh):
    refuse_profile(mesh)
    turned = (mesh - mesh.mean(0)) @ rotations(np.array([[70.0, 0.0, 0.0]]))[0].T + mesh.mean(0)
    with pytest.raises(NoFaceFound, match=r"turned away by [67]\d degrees, at most 50"):
        refuse_profile(turned)


def test_an_unknown_library_is_refused():
    with pytest.raises(ConfigError, match="'dlib'.*'torch', 'mediapipe' and 'face-alignment'"):
        make_detector("dlib", follows_motion=False, max_faces=1)
