from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.folds import FOLDS
from facediff.landmarks.mesh import LEFT_BROW
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.emotions import ShapeTrack
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.types import FaceTrack, Frame
from tests.portraits import opened_mouth


@pytest.fixture(scope="module")
def still() -> FaceTrack:
    return track_still(astronaut())


def wide_open(rows: int) -> np.ndarray:
    """A motion with the mouth open, given in coefficients of the lips."""
    b = coefficients.basis()
    motion = np.zeros((rows, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIPS] = 0.12 * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))
    return motion


def gap(shot: WarpedFrame) -> float:
    return float(coefficients.lip_opening(shot.face.points[None])[0])


def test_a_portrait_at_rest_is_itself_with_lips_together(portrait_of, still) -> None:
    at_rest = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    (shot,) = portrait_of(astronaut(), still).follow(at_rest)(slice(0, 1))
    upper = [*LEFT_BROW, 1, 10, 133, 362]
    np.testing.assert_allclose(shot.face.points[upper], still.points[0, upper], atol=0.3)
    assert shot.face.reference is None
    assert np.abs(shot.picture[:115].astype(int) - astronaut()[:115]).max() <= 2  # above the nose
    assert gap(shot) < 0.4 * coefficients.lip_opening(still.points)[0]


def test_a_portrait_turns_and_speaks_and_what_is_far_stays(portrait_of, still) -> None:
    motion = wide_open(2)
    motion[1, coefficients.SHIFT] = 0.1, 0.0, 0.0
    one, other = portrait_of(astronaut(), still).follow(motion)(slice(0, 2))
    assert gap(one) > 4
    moved = other.face.points - one.face.points
    np.testing.assert_allclose(moved, np.broadcast_to([0.1 * other.face.pose.scale[0], 0, 0], moved.shape), atol=0.01)
    for shot in (one, other):
        np.testing.assert_array_equal(shot.picture[400:], astronaut()[400:])
    assert not np.array_equal(one.picture, other.picture)


def test_a_portrait_goes_where_its_landmarks_are_wanted(portrait_of, still) -> None:
    targets = np.repeat(still.points, 3, axis=0)
    targets[1, :, 0] += 6
    targets[2] += 9 * coefficients.basis().opening
    guided = portrait_of(astronaut(), still).reach(targets, is_corrected=False)
    rest, aside, opened = guided(slice(0, 3))
    assert np.abs(rest.picture.astype(int) - astronaut()).max() <= 2 and rest.face.disocclusion == 0
    assert np.abs(rest.face.motion_residual).max() < 1e-3
    for shot, target in zip((rest, aside, opened), targets, strict=True):
        np.testing.assert_array_equal(shot.face.points, target)
    np.testing.assert_allclose(aside.face.pose.translation - rest.face.pose.translation, [[6, 0, 0]], atol=0.05)
    assert aside.face.disocclusion == 0 and opened.face.disocclusion > 0.5
    assert opened.face.motion_residual[coefficients.OPENING] < -0.05  # the source's own less the one wanted
    (again,) = guided(slice(2, 3))
    np.testing.assert_array_equal(again.picture, opened.picture)


def test_who_it_is_is_kept_however_often_a_face_has_moved(portrait_of, still) -> None:
    """Each frame is made from the portrait, as VIDM's are from the first; made from the one before they wear off."""

    def reach(picture: Frame, at: np.ndarray, wanted: np.ndarray) -> list[Frame]:
        track = replace(still, points=at[None])
        shots = portrait_of(picture, track).reach(wanted, is_corrected=False)(slice(0, len(wanted)))
        return [shot.picture for shot in shots]

    def apart(picture: Frame) -> float:
        return float(np.abs(picture.astype(int) - astronaut()).mean())

    there, count = still.points[0] + np.array([1.4, 0.7, 0], np.float32), 3
    path = np.stack([there, still.points[0]] * count)
    first = reach(astronaut(), still.points[0], path)
    np.testing.assert_array_equal(first[1], first[-1])
    picture, at, worn = astronaut(), still.points[0], []
    for place in path:
        (picture,) = reach(picture, at, place[None])
        at = place
        worn.append(apart(picture))
    assert worn[1] > 2 * apart(first[1]) and worn[1] < worn[3] < worn[5]


def test_what_is_prepared_serves_every_clip_of_it(portrait_of, still, monkeypatch) -> None:
    """A second motion, and a second part of the first, segment nothing and look at no teeth."""
    warper, motion = portrait_of(astronaut(), still), wide_open(2)
    warp = warper.follow(motion)
    (first,) = warp(slice(1, 2))
    for name in ("facediff.rendering.warping.layers.person_mask", "facediff.rendering.inpainting.drawn.Lids"):
        monkeypatch.setattr(name, lambda *given: 1 / 0)
    (again,) = warp(slice(1, 2))
    np.testing.assert_array_equal(first.picture, again.picture)
    (other,) = warper.follow(0.5 * motion)(slice(1, 2))
    assert gap(other) < gap(again)


class Recorder:
    """An animator that keeps what it is asked for, and gives the picture back."""

    asked: list[np.ndarray]

    def __init__(self, image: Frame, points: np.ndarray) -> None:
        self.image = image
        Recorder.asked = []

    def __call__(self, target: np.ndarray) -> Frame:
        Recorder.asked.append(target)
        return self.image


def at_rest(frames: int = 1) -> np.ndarray:
    return np.zeros((frames, coefficients.DIMENSIONS), np.float32)


@pytest.fixture
def recording(still, inpainter) -> PortraitWarper:
    return PortraitWarper(Source(astronaut(), still, ""), inpainter, animator=Recorder)


def test_any_animator_takes_the_place_of_the_warp_and_is_asked_for_the_landmarks_of_the_frame(recording, still) -> None:
    (made,) = recording.follow(at_rest())(slice(0, 1))
    np.testing.assert_array_equal(Recorder.asked, [made.face.points])


def test_lips_start_from_closed_only_where_that_is_asked(recording, still) -> None:
    """She smiles with parted lips."""
    gaps = {}
    for closes in (True, False):
        (made,) = recording.follow(at_rest(), closes_lips=closes)(slice(0, 1))
        gaps[closes] = gap(made)
    own = coefficients.lip_opening(still.points)[0]
    assert gaps[True] < 0.3 * own and gaps[False] == pytest.approx(own, rel=0.15)


def test_a_motion_that_starts_at_the_picture_leaves_it_as_it_is(recording, still) -> None:
    since = at_rest()[0]
    since[coefficients.ANGLES.start], since[coefficients.LIPS.start] = 5, 1
    moved = since.copy()
    moved[coefficients.ANGLES.start] = 15
    same, turned = (frame.face for frame in recording.follow(np.stack([since, moved]), since=since)(slice(0, 2)))
    np.testing.assert_allclose(same.points, still.points[0], atol=0.02)
    assert not same.motion_residual.any() and same.disocclusion == 0
    nose = turned.points[1] - turned.points[[33, 263]].mean(axis=0)
    assert abs(nose[0] - (same.points[1] - same.points[[33, 263]].mean(axis=0))[0]) > 2


def test_only_an_opened_mouth_lacks_something(recording, still) -> None:
    shut, wide = (frame.face for frame in recording.follow(opened_mouth(2).motion)(slice(0, 2)))
    assert shut.disocclusion < 0.2 < 0.9 < wide.disocclusion
    assert shut.drawn_lids.max() < 0.1


def test_without_correction_a_guided_portrait_goes_where_it_is_told_and_any_part_alone_is_the_same(
    recording, still
) -> None:
    targets = np.repeat(still.points, 4, axis=0)
    targets[:, :, 0] += np.arange(4)[:, None]
    warp = recording.reach(targets, is_corrected=False)
    whole = [made.face.points for made in warp(slice(0, 4))]
    np.testing.assert_array_equal(whole, targets)
    np.testing.assert_array_equal([made.face.points for made in warp(slice(2, 3))], targets[2:3])


def test_folds_of_an_emotion_lie_where_the_face_has_gone(portrait_of, still) -> None:
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.SHIFT] = 0.1, 0.0, 0.0
    folds = np.eye(len(FOLDS), dtype=np.float32)[[list(FOLDS).index("frown")]]
    track = ShapeTrack(np.array([[0.0], [1.0]], np.float32), np.zeros((1, 478, 3), np.float32), folds)
    without, folded = portrait_of(astronaut(), still).follow(motion, shapes=track)(slice(0, 2))
    np.testing.assert_array_equal(without.face.points, folded.face.points)
    darker = without.picture.astype(int).sum(axis=2) - folded.picture.astype(int).sum(axis=2)
    y, x = (darker * np.indices(darker.shape)).sum(axis=(1, 2)) / darker.sum()
    between = folded.face.points[[107, 336, 168], :2].mean(axis=0)
    assert darker.max() > 30 and np.hypot(*(between - (x, y))) < 0.2 * np.ptp(folded.face.points[[33, 263], 0])
