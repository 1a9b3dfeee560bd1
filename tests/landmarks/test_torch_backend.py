"""MediaPipe's networks in torch find what mediapipe 0.10.21 finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from facediff.errors import WeightsError
from facediff.landmarks import networks
from facediff.landmarks.detection import carries_models, eye_distance
from facediff.landmarks.torch_backend import TorchBoxes, TorchMesh, mask_person

with_mediapipe = pytest.mark.skipif(not carries_models(), reason="mediapipe 0.10 is not installed")

# What mediapipe 0.10.21 finds in the sample portrait, in pixels, where it detects.
REFERENCE = {
    1: (223.45, 130.02, -22.88),
    33: (195.21, 100.92, 4.53),
    263: (255.76, 104.28, 3.99),
    61: (201.81, 139.22, 7.53),
    291: (244.99, 140.99, 7.07),
    13: (223.48, 143.24, -5.73),
    14: (222.96, 150.08, -3.41),
    152: (221.27, 177.44, 7.54),
    10: (226.26, 71.69, -10.59),
    468: (203.48, 101.10, 0.91),
    473: (246.59, 103.47, 0.52),
    159: (202.83, 97.60, -1.17),
}
BOX = [[225.62, 119.74, 103.93]]


def apart(a, b) -> np.ndarray:
    """Distances of points in the picture, in percent of the eye distance."""
    return 100 * np.linalg.norm((a - b)[:, :2], axis=1) / eye_distance(b)


def two(portrait, shift: int = 0) -> np.ndarray:
    """The same head twice, the right one moved to the right."""
    canvas = np.full((300, 640, 3), 90, np.uint8)
    head = cv2.resize(portrait[20:220, 130:330], (270, 270), interpolation=cv2.INTER_CUBIC)
    canvas[20:290, 10:280] = head
    canvas[20:290, 290 + shift : 560 + shift] = head
    return canvas


def test_landmarks_are_those_that_were_recorded(portrait):
    (mesh,) = TorchMesh(follows_motion=False).detect(portrait)
    assert mesh.shape == (478, 3) and mesh.dtype == np.float32
    off = np.array([mesh[index] - place for index, place in REFERENCE.items()])
    assert np.abs(off).max() < 0.05


def test_boxes_are_those_that_were_recorded(portrait):
    np.testing.assert_allclose(TorchBoxes().detect(portrait), BOX, atol=0.1)


@with_mediapipe
@pytest.mark.parametrize("zoom", [0.9, 1.0, 2.5])
@pytest.mark.parametrize("angle", [0, 25])
def test_stills_agree_with_mediapipe(portrait, zoom, angle):
    from facediff.landmarks.mediapipe_backend import MediapipeMesh

    turn = cv2.getRotationMatrix2D((225, 140), angle, zoom)
    picture = cv2.warpAffine(portrait, turn, (int(512 * max(zoom, 1)),) * 2, borderMode=cv2.BORDER_REFLECT)
    with MediapipeMesh(follows_motion=False) as library:
        theirs = library.detect(picture)
    ours = TorchMesh(follows_motion=False).detect(picture)
    assert len(ours) == len(theirs) == 1
    off = apart(ours[0], theirs[0])
    assert off.mean() < 0.02 and off.max() < 0.1


@with_mediapipe
def test_several_faces_of_a_still_agree_with_mediapipe(portrait):
    from facediff.landmarks.mediapipe_backend import MediapipeBoxes, MediapipeMesh

    picture = two(portrait)
    with MediapipeMesh(follows_motion=False, max_faces=4) as library:
        theirs = library.detect(picture)
    ours = TorchMesh(follows_motion=False, max_faces=4).detect(picture)
    assert len(ours) == len(theirs) == 2
    for mine, other in zip(ours, theirs, strict=True):
        assert apart(mine, other).mean() < 0.02
    boxes = MediapipeBoxes()
    np.testing.assert_allclose(TorchBoxes().detect(picture), boxes.detect(picture), atol=0.1)
    boxes.close()


@with_mediapipe
@pytest.mark.parametrize("faces", [1, 2, 3])
def test_videos_agree_with_mediapipe(portrait, faces):
    """Each frame is read where the last one had its face, so what is lost in the last digits grows; not far."""
    from facediff.landmarks.mediapipe_backend import MediapipeMesh

    ours, off = TorchMesh(max_faces=faces), []
    with MediapipeMesh(max_faces=faces) as library:
        for shift in range(0, 80, 4):
            picture = two(portrait, shift)
            mine, theirs = ours.detect(picture), library.detect(picture)
            assert len(mine) == len(theirs) == min(faces, 2)
            off += [apart(a, b).mean() for a, b in zip(mine, theirs, strict=True)]
    assert np.median(off) < 0.1


@with_mediapipe
def test_masks_agree_with_mediapipe(portrait):
    from facediff.landmarks import mediapipe_backend

    for picture in (portrait, portrait[:300, 50:500], np.full((200, 300, 3), 90, np.uint8)):
        np.testing.assert_allclose(mask_person(picture), mediapipe_backend.mask_person(picture), atol=2e-3)


@pytest.mark.parametrize("angle", [140, 180, 230])
def test_a_face_that_is_upside_down_is_read_as_it_stands(portrait, angle):
    (upright,) = TorchMesh(follows_motion=False).detect(portrait)
    turn = cv2.getRotationMatrix2D((256, 256), angle, 1.0)
    picture = cv2.warpAffine(portrait, turn, (512, 512))
    (found,) = TorchMesh(follows_motion=False).detect(picture)
    assert apart(found[:, :2], upright[:, :2] @ turn[:, :2].T + turn[:, 2]).mean() < 3


def test_a_face_is_followed_until_it_is_to_be_forgotten(portrait):
    """Where a face was, the network is asked again, even where the detector would find none."""
    library = TorchMesh(follows_motion=True)
    (found,) = library.detect(portrait)
    (followed,) = library.detect(portrait)
    assert 0 < apart(followed, found).mean() < 3
    library.forget()
    (anew,) = library.detect(portrait)
    np.testing.assert_array_equal(anew, found)


def test_a_face_that_leaves_is_not_made_up(portrait):
    library = TorchMesh(follows_motion=True)
    assert library.detect(portrait)
    assert library.detect(np.full_like(portrait, 90)) == []
    assert library.detect(portrait)


def test_each_of_several_faces_is_followed_and_one_that_comes_is_found(portrait):
    library = TorchMesh(follows_motion=True, max_faces=3)
    alone = two(portrait)
    alone[:, 285:] = 90
    assert len(library.detect(alone)) == 1
    for shift in (0, 10, 20, 30):
        meshes = library.detect(two(portrait, shift))
        centres = sorted(float(mesh[:, 0].mean()) for mesh in meshes)
        assert len(meshes) == 2 and centres[1] - centres[0] == pytest.approx(280 + shift, abs=2)


def test_no_more_faces_than_asked_for(portrait):
    assert len(TorchMesh(follows_motion=False, max_faces=1).detect(two(portrait))) == 1
    assert TorchMesh(follows_motion=False).detect(np.zeros((40, 70, 3), np.uint8)) == []


def test_a_view_of_a_frame_is_read_as_its_copy(portrait):
    library = TorchMesh(follows_motion=False)
    view = np.flip(portrait, 1)[:, ::-1]
    np.testing.assert_array_equal(library.detect(view)[0], library.detect(portrait)[0])


def test_the_number_of_threads_is_left_as_it_was(portrait):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        TorchMesh(follows_motion=False).detect(portrait)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_recorded_network_gives_the_same_to_the_bit(portrait, monkeypatch):
    monkeypatch.setattr(networks, "RECORD_AFTER", 3)
    networks._load.cache_clear()
    library = TorchMesh(follows_motion=False)
    before = library.detect(portrait)[0]
    after = [library.detect(portrait)[0] for _ in range(4)]
    assert isinstance(library._network._run, torch.jit.ScriptFunction)
    for mesh in after:
        np.testing.assert_array_equal(mesh, before)
    networks._load.cache_clear()


@pytest.mark.parametrize("content", [None, b"", b"version https://git-lfs.github.com/spec/v1"])
def test_damaged_weights_are_one_sentence(tmp_path, monkeypatch, content):
    monkeypatch.setattr(networks, "WEIGHTS", tmp_path)
    if content is not None:
        (tmp_path / "mesh.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"mesh.safetensors are missing or damaged .*; install facediff anew"):
        TorchMesh()
