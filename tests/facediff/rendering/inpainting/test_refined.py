"""Mouths that are refined: where, by what, and what stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facediff.landmarks.alignment import align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.models.mouth_refiner import MouthRefiner
from facediff.motion import coefficients
from facediff.pipelines.loading import load_mouth_refiner
from facediff.rendering.crops import place_in_crop
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.inpainting.refined import LIPS, RefinedInpainter, RefineStyle


@pytest.fixture(scope="module")
def opened(portrait_of) -> WarpedFrame:
    """The portrait with its lips parted, as the warp leaves it."""
    track = track_still(astronaut())
    canonical, pose = canonicalise(track.points)
    points = from_canonical(canonical + 0.08 * coefficients.basis().opening, pose)
    return of(next(portrait_of(astronaut(), track).reach(points, is_corrected=False)(slice(0, 1))), 1.0)


def refine(frame: WarpedFrame, rules: Inpainter, network: MouthRefiner) -> np.ndarray:
    assert frame.face is not None
    how = RefinedInpainter(rules, network, RefineStyle(dark_share=1.0))
    prepared = how.prepare(astronaut(), track_still(astronaut()).points[0])  # without the teeth that it shows
    return prepared.inpaint_mouth(frame.picture, frame.face)


def of(frame: WarpedFrame, unobserved: float) -> WarpedFrame:
    """The same, as if so little were known of its mouth."""
    return replace(frame, face=replace(frame.face, unobserved=unobserved))


def lighten(by: float) -> MouthRefiner:
    """Adds the same everywhere."""
    network = MouthRefiner(channels=(8, 8, 8), blocks=(1, 1, 1)).eval()
    torch.nn.init.constant_(network.leave.bias, by / 127.5)
    return network


def test_what_has_learnt_nothing_leaves_what_the_rules_make(opened, inpainter) -> None:
    face: WarpedFace = opened.face
    prepared = inpainter.prepare(astronaut(), track_still(astronaut()).points[0])
    drawn = prepared.inpaint_mouth(opened.picture, face)
    np.testing.assert_array_equal(refine(opened, inpainter, lighten(0)), drawn)
    assert (drawn != opened.picture).any()


def test_lips_change_and_what_is_far_from_them_does_not(opened, inpainter) -> None:
    before, after = (refine(opened, inpainter, lighten(by)).astype(int) for by in (0, -8))
    change, points = after - before, opened.face.points
    unit = float(opened.face.pose.scale[0])
    y, x = (points[LIPS_OUTER].mean(axis=0)[[1, 0]]).astype(int)
    assert np.abs(change[y - 2 : y + 3, x - 2 : x + 3] + 8).max() <= 1
    rows, columns = np.nonzero(change.any(axis=2))
    low, high = points[LIPS_OUTER, :2].min(axis=0), points[LIPS_OUTER, :2].max(axis=0)
    assert columns.min() > low[0] - 0.17 * unit and columns.max() < high[0] + 0.17 * unit
    assert rows.min() > low[1] - 0.17 * unit and rows.max() < high[1] + 0.17 * unit


def test_a_mouth_is_refined_as_far_as_nobody_knows_what_it_shows(opened, inpainter) -> None:
    def refined(unobserved: float, by: float) -> np.ndarray:
        return refine(of(opened, unobserved), inpainter, lighten(by)).astype(int)

    np.testing.assert_array_equal(refined(0.0, -40), refined(0.0, 0))
    half, whole = (np.abs(refined(share, -40) - refined(share, 0)).max() for share in (0.5, 1.0))
    assert abs(half - 20) <= 1 and abs(whole - 40) <= 1


def test_teeth_that_the_picture_shows_keep_their_pixels(opened, inpainter) -> None:
    points, pose = track_still(astronaut()).points[0], opened.face.pose
    darker = RefinedInpainter(inpainter, lighten(-40), RefineStyle(dark_share=1.0))
    lacks = [darker.prepare(astronaut(), points, own).measure_lack(opened.face) for own in (None, pose)]
    assert lacks[0] == 1 and lacks[1] < 0.1


def test_a_wide_mouth_keeps_its_dark_and_no_more(opened) -> None:
    alignment = align(opened.face.pose, LIPS)
    points = place_in_crop(opened.face.points, alignment, opened.face.pose, LIPS)
    window, upper, lower = np.full((*LIPS.size[::-1], 3), 120, np.uint8), points[13, :2], points[14, :2]
    middle = (upper + lower) / 2
    window[int(middle[1]) :, :][: int(lower[1] - middle[1])] = 20  # under a row that is as light as the lips

    def mask(opening: float, place: np.ndarray) -> float:
        return float(RefineStyle().mask(window, points, opening)[int(place[1]), int(place[0])])

    dark, teeth, lip = (0.7 * lower + 0.3 * middle), (0.8 * upper + 0.2 * middle), lower + [0, 5]
    assert mask(0.03, dark) == 1.0 > mask(0.07, dark) > mask(0.3, dark)
    assert mask(0.3, dark) < 0.4 and min(mask(0.3, teeth), mask(0.3, lip)) > 0.9


def test_a_picture_in_black_and_white_stays_so(opened, inpainter) -> None:
    tinted = lighten(0)
    torch.nn.init.constant_(tinted.leave.bias[:4], 0.3)  # red
    grey = replace(opened, picture=np.repeat(opened.picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8))
    face = grey.face
    points = track_still(astronaut()).points[0]
    made = RefinedInpainter(inpainter, tinted).prepare(grey.picture, points).inpaint_mouth(grey.picture, face)
    assert (made != grey.picture).any()
    assert np.ptp(made.astype(int), axis=2).max() <= 1


def test_lids_are_the_rules_own(opened, inpainter) -> None:
    closure = np.array([1.0, 0.5], np.float32)
    ours = RefinedInpainter(inpainter, lighten(8)).prepare(opened.picture, opened.face.points)
    rules = inpainter.prepare(opened.picture, opened.face.points)
    np.testing.assert_array_equal(ours.drawn_lids(closure), rules.drawn_lids(closure))
    shut = ours.shut_lids(opened.picture, opened.face.points, closure)
    np.testing.assert_array_equal(shut, rules.shut_lids(opened.picture, opened.face.points, closure))


def test_the_embedded_one_fits_its_window_and_is_steady(opened, inpainter) -> None:
    network = load_mouth_refiner()
    assert all(side % 8 == 0 for side in LIPS.size)
    once, again = (refine(opened, inpainter, network) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert (once != refine(opened, inpainter, lighten(0))).any()
