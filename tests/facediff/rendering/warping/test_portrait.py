"""A portrait that moves, and one that is taken to landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.rendering.warping.portrait import GuidedPortraitWarper, PortraitWarper
from facediff.types import FaceTrack, Frame
from tests.portraits import opened_mouth, plain


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return track_still(plain())


class Recorder:
    """An animator that keeps what it is asked for, and gives the picture back."""

    asked: list[np.ndarray]

    def __init__(self, image: Frame, points: np.ndarray) -> None:
        self.image = image
        Recorder.asked = []

    def __call__(self, target: np.ndarray) -> Frame:
        Recorder.asked.append(target)
        return self.image


def still(frames: int = 1) -> np.ndarray:
    return np.zeros((frames, coefficients.DIMENSIONS), np.float32)


def test_any_animator_takes_the_place_of_the_warp_and_is_asked_for_the_landmarks_of_the_frame(track) -> None:
    (made,) = PortraitWarper(plain(), track, animator=Recorder)(still())
    np.testing.assert_array_equal(Recorder.asked, [made.points])


def test_lips_start_from_closed_only_where_that_is_asked(track) -> None:
    """She smiles with parted lips."""
    gaps = {}
    for closes in (True, False):
        (made,) = PortraitWarper(plain(), track, closes_lips=closes, animator=Recorder)(still())
        gaps[closes] = coefficients.lip_opening(made.points[None])[0]
    own = coefficients.lip_opening(track.points)[0]
    assert gaps[True] < 0.3 * own and gaps[False] == pytest.approx(own, rel=0.15)


def test_a_motion_that_starts_at_the_picture_leaves_it_as_it_is(track) -> None:
    since = still()[0]
    since[coefficients.ANGLES.start], since[coefficients.LIPS.start] = 5, 1
    warper = PortraitWarper(plain(), track, since=since, animator=Recorder)
    moved = since.copy()
    moved[coefficients.ANGLES.start] = 15
    same, turned = warper(np.stack([since, moved]))
    np.testing.assert_allclose(same.points, track.points[0], atol=0.02)
    assert not same.moved.any() and same.disocclusion == 0
    nose = turned.points[1] - turned.points[[33, 263]].mean(axis=0)
    assert abs(nose[0] - (same.points[1] - same.points[[33, 263]].mean(axis=0))[0]) > 2


def test_only_an_opened_mouth_lacks_something(track) -> None:
    shut, wide = PortraitWarper(plain(), track, animator=Recorder)(opened_mouth(2).motion)
    assert shut.disocclusion < 0.2 < 0.9 < wide.disocclusion
    assert shut.lids.max() < 0.1


def test_without_correction_a_guided_portrait_goes_where_it_is_told_and_any_part_alone_is_the_same(track) -> None:
    targets = np.repeat(track.points, 4, axis=0)
    targets[:, :, 0] += np.arange(4)[:, None]
    warper = GuidedPortraitWarper(plain(), track, targets, is_corrected=False, animator=Recorder)
    whole = [made.points for made in warper(slice(0, 4))]
    np.testing.assert_array_equal(whole, targets)
    np.testing.assert_array_equal([made.points for made in warper(slice(2, 3))], targets[2:3])
