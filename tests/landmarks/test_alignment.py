from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.landmarks.alignment import FACE, MOUTH, align, distances_after_alignment, warp_affine
from facediff.landmarks.canonical import fit_pose, from_canonical, mean_face
from facediff.landmarks.head_pose import rotations
from facediff.landmarks.mesh import LIPS_OUTER, MESH_POINTS
from facediff.types import RigidPose

TEMPLATES = pytest.mark.parametrize("template", [FACE, MOUTH], ids=["face", "mouth"])


@pytest.fixture
def pose():
    rng = np.random.default_rng(1)
    angles = rng.uniform([-40, -30, -60], [40, 30, 60], (8, 3))
    scale = rng.uniform(40, 300, 8).astype(np.float32)
    return RigidPose(rotations(angles), scale, rng.uniform(100, 500, (8, 3)).astype(np.float32))


def blob(size, centre, sigma):
    """A white spot around (x, y) on black."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    return (255 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))).astype(np.float32)


def centroid(image):
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    return np.array([(x * image).sum(), (y * image).sum()]) / image.sum()


def test_a_frame_alone_is_aligned_as_among_others_wherever_memory_lies():
    """To the bit: numpy 1's arctangent of a view asks where its result lies, which other threads have a say in."""
    rng = np.random.default_rng(2)
    turned = rotations(rng.uniform(-30, 30, (200, 3)))
    scale, place = rng.uniform(40, 300, 200).astype(np.float32), np.zeros((200, 3), np.float32)
    together = align(RigidPose(turned, scale, place), MOUTH).matrices
    held = [np.empty(9 - 8 * (k % 2), np.float32) for k in range(1000)]  # nine numbers, one, nine, one ...
    index = min(range(0, 1000, 2), key=lambda k: (held[k + 1].ctypes.data - held[k].ctypes.data) % 2**63)
    rotation = held[index].reshape(1, 3, 3)
    del held[index + 1]  # what lies behind the rotation is free, and is where a single number goes next
    for k in range(200):
        rotation[:] = turned[k]
        alone = align(RigidPose(rotation, scale[k : k + 1], place[k : k + 1]), MOUTH)
        np.testing.assert_array_equal(alone.matrices, together[k : k + 1])


@TEMPLATES
def test_the_anchor_stays_in_its_place_at_every_pose(pose, template):
    alignment = align(pose, template)
    anchor = from_canonical(np.array([template.anchor]), pose)
    assert len(alignment) == len(pose) and alignment.size == template.size
    for index in range(len(pose)):
        np.testing.assert_allclose(alignment.to_crop(anchor[index], index)[0], template.anchor_px, atol=0.01)


@TEMPLATES
def test_a_frontal_head_has_the_size_that_was_asked_for(template):
    upright = RigidPose(rotations(np.zeros((1, 3))), np.array([77], np.float32), np.array([[300, 200, 0]], np.float32))
    crop = align(upright, template).to_crop(from_canonical(mean_face(), upright)[0], 0)
    expected = (mean_face() - np.array(template.anchor))[:, :2] * template.unit_px + np.array(template.anchor_px)
    np.testing.assert_allclose(crop, expected, atol=0.01)


@TEMPLATES
def test_place_size_and_tilt_in_the_picture_do_not_show(pose, template):
    """A picture that is turned, enlarged and moved gives the same crop; yaw and pitch stay visible."""
    points = from_canonical(mean_face(), pose)
    tilt = rotations(np.array([[0.0, 0.0, 33.0]]))[0]
    changed = 1.7 * points @ tilt.T + np.array([40, -90, 0], np.float32)
    before, after = (align(fit_pose(p), template) for p in (points, changed))
    for index in range(len(pose)):
        np.testing.assert_allclose(
            after.to_crop(changed[index], index), before.to_crop(points[index], index), atol=0.05
        )


def test_the_whole_face_and_the_whole_mouth_are_in_view(mesh):
    pose = fit_pose(mesh[None])
    for template, points, margin in ((FACE, mesh[:MESH_POINTS], 1), (MOUTH, mesh[LIPS_OUTER], 8)):
        crop = align(pose, template).to_crop(points, 0)
        assert (crop > margin).all() and (crop < np.array(template.size) - margin).all()


@pytest.mark.parametrize("yaw", [-25.0, 25.0])
def test_a_face_that_is_turned_stays_in_view(mesh, yaw):
    turned = mesh @ rotations(np.array([[yaw, 0.0, 0.0]]))[0].T
    crop = align(fit_pose(turned[None]), FACE).to_crop(turned[:MESH_POINTS], 0)
    assert (crop[:, 0] > 1).all() and (crop[:, 0] < FACE.size[0] - 1).all()


def test_the_inverse_leads_back(pose):
    alignment = align(pose, FACE)
    points = np.random.default_rng(2).uniform(0, 600, (50, 2)).astype(np.float32)
    for index, inverse in enumerate(alignment.inverses):
        back = alignment.to_crop(points, index) @ inverse[:, :2].T + inverse[:, 2]
        np.testing.assert_allclose(back, points, atol=0.01)


def test_a_crop_put_back_is_the_picture(portrait, mesh):
    alignment = align(fit_pose(mesh[None]), FACE)
    smooth = cv2.GaussianBlur(portrait, (0, 0), 3)
    back = warp_affine(alignment.crop(smooth, 0), alignment.inverses[0], (512, 512))
    inside = slice(90, 170), slice(190, 260)
    assert np.abs(back[inside].astype(int) - smooth[inside]).max() <= 4


@pytest.mark.parametrize("zoom", [2.5, 1.0, 0.6, 0.41, 0.23, 0.07])
def test_points_and_pixels_agree_at_every_zoom(zoom):
    size, centre = (1203, 997), np.array([611.3, 480.8])
    pose = RigidPose(
        rotations(np.array([[0, 0, 20]])), np.array([96 / zoom], np.float32), np.array([[590, 440, 0]], np.float32)
    )
    alignment = align(pose, FACE)
    crop = alignment.crop(blob(size, centre, 4 / zoom), 0)
    np.testing.assert_allclose(centroid(crop), alignment.to_crop(centre[None], 0)[0], atol=0.05)


@pytest.mark.parametrize("zoom", [0.4, 0.2, 0.09])
def test_a_picture_that_shrinks_is_averaged_and_not_sampled(zoom):
    noise = np.random.default_rng(3).normal(128, 30, (1000, 1000, 3)).astype(np.float32)
    size = (int(900 * zoom), int(900 * zoom))
    small = warp_affine(noise, np.array([[zoom, 0, 0.3], [0, zoom, 0.1]]), size)
    assert small.std() < 1.5 * zoom * 30  # a mean over 1 / zoom pixels each way; sampled, it stays at 30
    assert small.mean() == pytest.approx(128, abs=1)


def test_beyond_the_border_the_nearest_pixels_repeat():
    frame = np.zeros((20, 30, 3), np.uint8)
    frame[:, 0], frame[:, -1] = 50, 200
    out = warp_affine(frame, np.array([[1.0, 0, 40], [0, 1, 5]]), (120, 40))
    assert (out[:, :41] == 50).all() and (out[:, 69:] == 200).all()


def test_eye_distances_from_the_anchor() -> None:
    points = np.array([[*MOUTH.anchor_px, 0.0], [MOUTH.anchor_px[0] + MOUTH.unit_px, MOUTH.anchor_px[1], -72.0]])
    np.testing.assert_allclose(MOUTH.in_units(points), [[0, 0, 0], [1, 0, -72 / MOUTH.unit_px]], atol=1e-6)


def test_place_size_and_roll_are_laid_aside_and_the_rest_is_counted(mesh) -> None:
    tilt = rotations(np.array([[0.0, 0.0, 25.0]]))[0][:2, :2]
    moved = 1.7 * mesh[:, :2] @ tilt.T + 40
    changed = moved.copy()
    changed[1] += 0.5 * np.linalg.norm(moved[33] - moved[263])
    same, one_off = distances_after_alignment(np.stack([moved, changed]), mesh[:, :2])
    assert same.max() < 1e-5
    assert one_off[1] == pytest.approx(0.5 * np.sqrt(2), abs=0.02) and np.delete(one_off, 1).max() < 0.01
