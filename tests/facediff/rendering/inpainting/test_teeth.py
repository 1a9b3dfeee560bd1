"""The teeth of a smile, when its mouth opens wide."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_INNER, LOWER_LIP, SUBNASALE
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.rig import fit_neutral
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.inpainting.teeth import TeethStyle, find_source_teeth
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.types import FaceTrack, RigidPose

ROW = (250, 250, 240)


@pytest.fixture(scope="module")
def smile() -> tuple[np.ndarray, FaceTrack]:
    """The portrait, three times as large, its teeth a white row with one green tooth."""
    picture = cv2.resize(astronaut(), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)[150:690, 390:960].copy()
    track = track_still(picture)
    lips = np.rint(track.points[0, LIPS_INNER, :2]).astype(np.int32)
    mask = cv2.fillPoly(np.zeros(picture.shape[:2], np.uint8), [lips], 1) > 0
    picture[mask] = ROW
    x = int(track.points[0, 13, 0])
    mask[:, : x + 4] = mask[:, x + 12 :] = False
    picture[mask] = (0, 200, 0)
    return picture, track


def pose_of(track: FaceTrack) -> RigidPose:
    return canonicalise(track.points)[1]


def wide(picture: np.ndarray, track: FaceTrack, opening: float) -> WarpedFrame:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    b = coefficients.basis()
    motion[:, coefficients.LIPS] = opening * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))
    warper = PortraitWarper(Source(picture, track, ""), DrawnInpainter(load_appearance_prior()))
    return next(warper.follow(motion)(slice(0, 1)))


def greens(picture: np.ndarray) -> np.ndarray:
    return np.argwhere((picture[..., 1].astype(int) - picture[..., 0] > 80) & (picture[..., 2] < 120))


def test_teeth_hang_on_the_skull_as_they_are_and_below_them_it_is_dark(smile) -> None:
    picture, track = smile
    shot = wide(picture, track, 0.3)
    assert shot.face.disocclusion == 1 and shot.face.unobserved == 1  # by how far they are apart; but there are teeth
    drawn = shot.face.inpaint_mouth(shot.picture)
    before, stretched, after = greens(picture), greens(shot.picture), greens(drawn)
    assert np.ptp(stretched[:, 0]) > 1.5 * np.ptp(before[:, 0])  # the warp draws the tooth out
    assert np.ptp(after[:, 0]) < 1.25 * np.ptp(before[:, 0])
    moved = after.mean(axis=0) - before.mean(axis=0)
    nose = (shot.face.points[SUBNASALE, :2] - track.points[0, SUBNASALE, :2])[::-1]
    np.testing.assert_allclose(moved, nose, atol=4)
    x, y = int(shot.face.points[14, 0]), int(shot.face.points[14, 1])
    assert drawn[y - 12 : y - 5, x - 3 : x + 4].mean() < 0.7 * picture[track.points[0, 1].astype(int)[1], x].mean()


def test_of_a_mouth_no_wider_than_in_the_picture_nothing_is_drawn(smile) -> None:
    picture, track = smile
    own = float(coefficients.lip_opening(canonicalise(track.points)[0])[0])
    shot = wide(picture, track, own - 0.02)
    assert shot.face.disocclusion == 0
    np.testing.assert_array_equal(shot.face.inpaint_mouth(shot.picture), shot.picture)


def test_between_closed_lips_there_is_nothing(smile) -> None:
    picture, track = smile
    canonical, pose = canonicalise(track.points)
    shut = from_canonical(fit_neutral(canonical), pose)[0]
    assert find_source_teeth(picture, shut, pose) is None


def test_what_lips_hide_is_made_of_what_they_show(smile) -> None:
    """An upper lip that rises uncovers more of the row, and none of itself."""
    picture, track = smile
    teeth = find_source_teeth(picture, track.points[0], pose_of(track))
    assert teeth is not None
    colours, known = teeth.picture[..., :3], teeth.picture[..., 3]
    assert known.min() >= 0 and known.max() <= 1 and known.max() > 0.95
    lit = known > 0.9
    green = (colours[..., 1] - colours[..., 0] > 60) & lit
    assert 0 < green.sum() < 0.3 * lit.sum()
    np.testing.assert_allclose(np.median(colours[lit & ~green], axis=0), ROW, atol=20)


def test_a_lower_row_goes_down_with_the_lip(smile) -> None:
    picture, track = smile
    dark, lips = picture.copy(), np.rint(track.points[0, LIPS_INNER, :2]).astype(np.int32)
    top, bottom = lips[:, 1].min(), lips[:, 1].max()
    mask = cv2.fillPoly(np.zeros(picture.shape[:2], np.uint8), [lips], 1) > 0
    mask[top + (bottom - top) // 2 :] = False
    dark[mask] = (30, 15, 15)
    assert find_source_teeth(picture, track.points[0], pose_of(track)).point == SUBNASALE
    teeth = find_source_teeth(dark, track.points[0], pose_of(track))
    assert teeth is not None and teeth.point == LOWER_LIP
    shot = wide(dark, track, 0.3)
    moved = greens(shot.face.inpaint_mouth(shot.picture)).mean(axis=0) - greens(dark).mean(axis=0)
    lip = (shot.face.points[LOWER_LIP, :2] - track.points[0, LOWER_LIP, :2])[::-1]
    np.testing.assert_allclose(moved, lip, atol=4)


def test_a_mouth_that_is_open_without_teeth_has_none(smile) -> None:
    picture, track = smile
    empty = picture.copy()
    cv2.fillPoly(empty, [np.rint(track.points[0, LIPS_INNER, :2]).astype(np.int32)], (60, 25, 25))
    assert find_source_teeth(empty, track.points[0], pose_of(track)) is None


@pytest.mark.parametrize(("style", "found"), [({"light": 2.0}, False), ({"pale": 0.0}, False), ({"few": 0.0}, True)])
def test_each_end_of_a_style_is_seen(smile, style, found) -> None:
    picture, track = smile
    assert (find_source_teeth(picture, track.points[0], pose_of(track), TeethStyle(**style)) is not None) == found
