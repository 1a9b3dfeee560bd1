"""Lids of eyes that are open in the source."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.eye_window import SIZE, align_eye, grid
from facediff.landmarks.mesh import LEFT_BROW, RIGHT_BROW
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.lids import Lids, LidStyle

SHUT, LID = np.ones(2), load_appearance_prior().lid
SHUT_FROM, SHUT_AT = LidStyle.shut_from, LidStyle.shut_at


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return track_still(astronaut()).points[0]


def test_the_fitted_lid_is_skin_with_a_dark_line() -> None:
    """A quality gate for whatever lids ship."""
    u, v = grid()
    line = LID[(np.abs(u) < 0.3) & (np.abs(v - 0.05) < 0.03)].mean()
    above = LID[(np.abs(u) < 0.3) & (np.abs(v + 0.2) < 0.03)].mean()
    below = LID[(np.abs(u) < 0.3) & (np.abs(v - 0.3) < 0.03)].mean()
    assert line < -0.4 and abs(above) < 0.3 and abs(below) < 0.3


def test_eyes_shut_and_nothing_else_changes(points: np.ndarray) -> None:
    picture = astronaut()
    shut = Lids(picture, points, LID)(picture, points, SHUT)
    for side in range(2):
        to_eye = align_eye(points, side)
        before, after = (warp_affine(p, to_eye, SIZE).astype(float).mean(axis=2) for p in (picture, shut))
        u, v = grid()
        white = (np.abs(u) < 0.35) & (np.abs(v + 0.1) < 0.06)  # where the eyeball was
        assert after[white].std() < 0.6 * before[white].std()
        far = np.hypot(u / 0.75, v / 0.5) > 1
        np.testing.assert_allclose(after[far], before[far], atol=4.0)  # the cover fades out there
    changed = np.abs(shut.astype(int) - picture).max(axis=2) > 0
    unit = np.linalg.norm(points[33, :2] - points[263, :2])
    rows, columns = np.nonzero(changed)
    assert np.ptp(rows) < 0.6 * unit and np.ptp(columns) < 1.5 * unit


def test_open_eyes_stay_as_they_are_bit_for_bit(points: np.ndarray) -> None:
    picture = astronaut()
    lids = Lids(picture, points, LID)
    for closure in (0.0, 0.35, SHUT_FROM):
        np.testing.assert_array_equal(lids(picture, points, np.full(2, closure)), picture)
    half = lids(picture, points, np.full(2, (SHUT_FROM + SHUT_AT) / 2)).astype(float) - picture
    full = lids(picture, points, SHUT).astype(float) - picture
    np.testing.assert_allclose(half, full / 2, atol=1.0)
    one = lids(picture, points, np.array([1.0, 0.0]))
    right, left = points[[33, 133], 0].mean(), points[[263, 362], 0].mean()
    columns = np.nonzero(np.abs(one.astype(int) - picture).sum(axis=(0, 2)))[0]
    assert np.abs(columns.mean() - right) < np.abs(columns.mean() - left) / 3


def test_a_picture_with_shut_eyes_keeps_its_own(points: np.ndarray) -> None:
    picture, shut = astronaut(), points.copy()
    shut[[159, 386]] = shut[[145, 374]]
    np.testing.assert_array_equal(Lids(picture, shut, LID)(picture, shut, SHUT), picture)


def test_a_low_brow_stays_and_gives_the_lid_no_light(points: np.ndarray) -> None:
    picture, browed = astronaut(), astronaut()
    u, v = grid()
    points = points.copy()  # brows are read a little above where their hair ends
    points[[*RIGHT_BROW, *LEFT_BROW], 1] += points[133, 1] - 0.5 * (points[133, 0] - points[33, 0]) - points[52, 1]
    for side in range(2):
        to_eye = align_eye(points, side)
        hair = ((np.abs(v + 0.36) < 0.07) & (np.abs(u) < 0.5)).astype(np.uint8)
        hair = cv2.warpAffine(hair, to_eye, picture.shape[1::-1], flags=cv2.WARP_INVERSE_MAP)
        browed[hair > 0] = 25
    plain, low = (Lids(one, points, LID)(one, points, SHUT) for one in (picture, browed))
    for side in range(2):
        to_eye = align_eye(points, side)
        before, without, with_brow = (warp_affine(one, to_eye, SIZE).astype(float) for one in (browed, plain, low))
        brow = (np.abs(v + 0.35) < 0.04) & (np.abs(u) < 0.4)
        assert np.abs(with_brow - before)[brow].mean() < 8
        lid = (np.abs(u) < 0.35) & (np.abs(v + 0.08) < 0.06)
        assert np.abs(with_brow - without)[lid].mean() < 15


def test_lashes_that_reach_over_the_fold_are_no_brow(points: np.ndarray) -> None:
    picture, lashed = astronaut(), astronaut()
    u, v = grid()
    to_eye = align_eye(points, 0)
    lashes = ((np.abs(v + 0.31) < 0.03) & (np.abs(u) < 0.3)).astype(np.uint8)
    lashed[cv2.warpAffine(lashes, to_eye, picture.shape[1::-1], flags=cv2.WARP_INVERSE_MAP) > 0] = 25
    high = points.copy()
    high[[*RIGHT_BROW, *LEFT_BROW], 1] -= 15  # a brow far above them
    shut = warp_affine(Lids(lashed, high, LID)(lashed, high, SHUT), to_eye, SIZE).astype(float)
    there = (np.abs(v + 0.28) < 0.03) & (np.abs(u) < 0.2)
    assert shut[there].mean() > 2 * 25


def test_a_portrait_blinks_with_them(portrait_of) -> None:
    picture = astronaut()
    track = track_still(picture)
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    motion[1, coefficients.LIDS] = 1.0
    _, blinking = portrait_of(picture, track).follow(motion)(slice(0, 2))
    window = warp_affine(blinking.picture, align_eye(blinking.face.points, 0), SIZE).astype(float).mean(axis=2)
    u, v = grid()
    open_before = warp_affine(picture, align_eye(track.points[0], 0), SIZE).astype(float).mean(axis=2)
    white = (np.abs(u) < 0.35) & (np.abs(v + 0.1) < 0.06)
    assert window[white].std() < 0.6 * open_before[white].std()


def test_the_share_that_is_drawn_grows_as_the_lid_hurries_shut(points: np.ndarray) -> None:
    lids = Lids(astronaut(), points, LID)
    np.testing.assert_array_equal(lids.share(np.array([SHUT_FROM, 0.0])), 0)
    np.testing.assert_allclose(lids.share(np.array([(SHUT_FROM + SHUT_AT) / 2, 1.0])), [0.5, 1.0], atol=1e-6)


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ({"shut_from": 0.2, "shut_at": 0.4}, lambda usual, changed: changed > usual),
        ({"half_width": 0.3}, lambda usual, changed: changed < usual),
        ({"feather": 0.3}, lambda usual, changed: changed > usual),
        ({"own": 2.0, "none": 3.0}, lambda usual, changed: changed == 0),  # no eye is so wide that it lacks a lid
    ],
)
def test_each_end_of_a_style_is_seen(points, style, wanted) -> None:
    """How many pixels change at a closure of 0.7."""
    picture = astronaut()
    drawn = [Lids(picture, points, LID, LidStyle(**how))(picture, points, 0.7 * SHUT) for how in ({}, style)]
    usual, changed = ((made != picture).any(axis=2).sum() for made in drawn)
    if "shut_from" in style:
        usual, changed = (np.abs(made.astype(int) - picture).sum() for made in drawn)
    assert usual > 0 and wanted(usual, changed)
