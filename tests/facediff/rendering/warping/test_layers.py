from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.segmentation import person_mask
from facediff.landmarks.tracker import track_still
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.rendering.background import make_backdrop, measure_busyness
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.layers import LayeredWarp, LayerStyle
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.types import FaceTrack

LINE = 310  # column of a line behind her


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    return person_mask(astronaut())


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return track_still(astronaut())


def before(colour: int, mask: np.ndarray, *, line: bool) -> np.ndarray:
    """The astronaut before a wall, with a dark line on it."""
    wall = np.full((512, 512, 3), colour, np.uint8)
    if line:
        wall[:, LINE : LINE + 6] = 20
        wall[:, ::32] = 20
    share = np.clip(mask, 0, 1)[..., None]
    return np.rint(share * astronaut() + (1 - share) * wall).astype(np.uint8)


def turned(picture: np.ndarray, track: FaceTrack, animator) -> np.ndarray:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.ANGLES.start], motion[0, coefficients.SHIFT.start] = -20, 0.1
    source = Source(picture, track, "")
    warper = PortraitWarper(source, DrawnInpainter(load_appearance_prior()), animator=animator)
    return next(warper.follow(motion)(slice(0, 1))).picture


def test_the_mask_knows_head_and_wall(mask, track) -> None:
    face = np.rint(track.points[0, :468, :2]).astype(int)
    assert mask[face[:, 1], face[:, 0]].mean() > 0.95
    assert mask[20, 420] < 0.1 and mask[450, 200] > 0.9
    assert mask.shape == (512, 512) and mask.min() >= 0 and mask.max() <= 1


def test_a_line_behind_the_head_stays_straight(mask, track) -> None:
    picture = before(200, mask, line=True)
    beside = np.s_[30:150, LINE - 4 : LINE + 14]
    bent, straight = (
        np.abs(turned(picture, track, animator)[beside].astype(int) - picture[beside]).mean()
        for animator in (MeshWarp, LayeredWarp)
    )
    assert bent > 20
    assert straight < bent / 3


def test_the_face_is_the_warps(mask, track) -> None:
    picture = before(200, mask, line=True)
    one, other = (turned(picture, track, a).astype(int) for a in (MeshWarp, LayeredWarp))
    assert np.abs(one - other)[100:170, 200:250].mean() < 0.5
    assert np.abs(one - other).max() > 50


def test_a_picture_that_does_not_move_is_itself(mask, track) -> None:
    picture = before(200, mask, line=True)
    np.testing.assert_array_equal(LayeredWarp(picture, track.points[0])(track.points[0]), picture)


def test_before_a_plain_wall_all_is_warped(mask, track) -> None:
    picture = before(200, mask, line=False)
    one, other = (turned(picture, track, a).astype(int) for a in (MeshWarp, LayeredWarp))
    assert np.abs(one - other).mean() < 0.2  # at the edge of the face
    unit = float(np.linalg.norm(track.points[0, 33] - track.points[0, 263]))
    assert (
        measure_busyness(picture, mask, unit)
        < LayerStyle.plain
        < measure_busyness(before(200, mask, line=True), mask, unit)
    )
    assert measure_busyness(picture, np.ones_like(mask), unit) == 0.0


def test_behind_the_person_the_backdrop_is_made_of_what_is_around(mask) -> None:
    plate = make_backdrop(before(200, mask, line=False), mask, 4.0)
    assert np.abs(cv2.blur(plate, (9, 9)) - 200).max() < 25
    picture = before(200, mask, line=True)
    away = cv2.dilate(mask, np.ones((41, 41))) < 0.02
    np.testing.assert_allclose(make_backdrop(picture, mask, 4.0)[away], picture[away], atol=1)


def test_who_was_cut_out_turns_with_their_matte(mask, track) -> None:
    picture, matte = before(200, mask, line=False), np.rint(255 * mask).astype(np.uint8)
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    motion[1, coefficients.ANGLES.start] = -20
    warper = PortraitWarper(Source(picture, track, "", matte=matte), DrawnInpainter(load_appearance_prior()))
    turned = list(warper.follow(motion)(slice(0, 2)))[1]
    assert turned.picture.shape == (512, 512, 3) and turned.matte.shape == (512, 512)
    moved = cv2.absdiff(turned.matte, matte) > 40
    person = cv2.absdiff(turned.picture, picture).max(axis=2) > 40
    assert moved.sum() > 200 and person[moved].mean() > 0.5  # where the outline is another, so is the picture
    np.testing.assert_array_equal(turned.matte[400:], matte[400:])  # shoulders stay
