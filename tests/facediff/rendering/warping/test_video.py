from fractions import Fraction

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import ConfigError, NoFaceFound
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import CHIN, LEFT_BROW
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.coefficients import MOTION_FPS, resample
from facediff.motion.expressions import expression
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.reference import Reference
from facediff.rendering.warping.portrait import GuidedPortraitWarper, PortraitWarper
from facediff.rendering.warping.video import DrivenVideoWarper, ExpressedVideoWarper, VideoWarper
from facediff.types import FaceTrack

MOVES = (0, 2, 4, 6, 8)  # pixels to the right, frame by frame
FRAMES = [np.roll(astronaut(), shift, axis=1) for shift in MOVES]


@pytest.fixture(scope="module")
def still() -> FaceTrack:
    return track_still(astronaut())


@pytest.fixture(scope="module")
def track(still: FaceTrack) -> FaceTrack:
    """The portrait in motion, a brow raised at the end; the face is absent from the first frame and the third."""
    points = np.repeat(still.points, len(MOVES), axis=0)
    points[:, :, 0] += np.array(MOVES, np.float32)[:, None]
    points[4, LEFT_BROW, 1] -= 4
    presence = np.array([0, 2, 0, 2, 2], np.uint8)
    points[presence == 0] = np.nan
    return FaceTrack(points, presence, (512, 512), 25.0)


def wide_open(rows: int) -> np.ndarray:
    """A motion with the mouth open, given in coefficients of the lips."""
    b = coefficients.basis()
    motion = np.zeros((rows, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIPS] = 0.12 * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))
    return motion


def gap(shot: WarpedFrame) -> float:
    return float(coefficients.lip_opening(shot.points[None])[0])


def test_motion_is_exact_at_its_own_rate_linear_in_between_and_held_at_the_end() -> None:
    motion = np.random.default_rng(0).normal(size=(6, coefficients.DIMENSIONS)).astype(np.float32)
    np.testing.assert_array_equal(resample(motion, MOTION_FPS, Fraction(25), 6), motion)
    double = resample(motion, MOTION_FPS, Fraction(50), 14)
    np.testing.assert_array_equal(double[:11:2], motion)
    np.testing.assert_allclose(double[1:10:2], (motion[:-1] + motion[1:]) / 2, atol=1e-6)
    np.testing.assert_array_equal(double[11:], np.repeat(motion[-1:], 3, axis=0))
    times = np.linspace(0, 1, 6)[:, None] * np.arange(1, coefficients.DIMENSIONS + 1)
    odd = resample(times.astype(np.float32), MOTION_FPS, Fraction(30000, 1001), 6)
    np.testing.assert_allclose(odd[:, 0], np.arange(6) * 1001 / 30000 / (5 / 25), atol=1e-6)


def test_a_portrait_at_rest_is_itself_with_lips_together(still) -> None:
    (shot,) = PortraitWarper(astronaut(), still)(np.zeros((1, coefficients.DIMENSIONS), np.float32))
    upper = [*LEFT_BROW, 1, 10, 133, 362]
    np.testing.assert_allclose(shot.points[upper], still.points[0, upper], atol=0.3)
    assert shot.reference is None
    assert np.abs(shot.coarse[:115].astype(int) - astronaut()[:115]).max() <= 2  # above the nose
    assert gap(shot) < 0.4 * coefficients.lip_opening(still.points)[0]


def test_a_portrait_turns_and_speaks_and_what_is_far_stays(still) -> None:
    motion = wide_open(2)
    motion[1, coefficients.SHIFT] = 0.1, 0.0, 0.0
    one, other = PortraitWarper(astronaut(), still)(motion)
    assert gap(one) > 4
    moved = other.points - one.points
    np.testing.assert_allclose(moved, np.broadcast_to([0.1 * other.pose.scale[0], 0, 0], moved.shape), atol=0.01)
    for shot in (one, other):
        np.testing.assert_array_equal(shot.coarse[400:], astronaut()[400:])
    assert not np.array_equal(one.coarse, other.coarse)


def dubbed(track: FaceTrack, motion: np.ndarray, how: str = "keep") -> list:
    shots = VideoWarper(track, on_missing_face=how)
    reference = Reference(FRAMES[3], shots.track.points[3])
    return list(shots(enumerate(FRAMES), motion, reference))


def test_in_a_dub_the_lower_face_moves_and_nothing_else_does(track) -> None:
    made, shut = dubbed(track, wide_open(5)), dubbed(track, 0 * wide_open(5))
    above = [*LEFT_BROW, 10, 168]
    for index in (1, 3, 4):
        shot, own = made[index], track.points[index]
        assert gap(shot) > 4 and gap(shut[index]) < 1.5  # whatever the mouth does in the video
        np.testing.assert_allclose(shot.points[above], own[above], atol=0.5)
        assert shot.points[CHIN, 1] > shut[index].points[CHIN, 1] + 2
        assert np.abs(shot.coarse[:115].astype(int) - FRAMES[index][:115]).max() <= 2
        np.testing.assert_array_equal(shot.coarse[400:], FRAMES[index][400:])
        mouth = np.s_[140:165, 205:245]
        assert np.abs(shut[index].coarse.astype(int) - FRAMES[index])[mouth].mean() > 5


def test_a_driver_moves_what_is_chosen_and_nothing_else(track) -> None:
    motion = np.zeros((5, coefficients.DIMENSIONS), np.float32)  # lips together, which hers are not
    motion[:, coefficients.BROWS] = 2.0
    made = {}
    for name, parts in {"none": [], "lips": [coefficients.LIPS], "brows": [coefficients.BROWS]}.items():
        chosen = np.zeros(coefficients.DIMENSIONS, bool)
        for part in parts:
            chosen[part] = True
        shots = DrivenVideoWarper(track, chosen)
        made[name] = list(shots(enumerate(FRAMES), motion, Reference(FRAMES[3], shots.track.points[3])))[4]
    none, lips, brows = (made[name].points for name in ("none", "lips", "brows"))
    np.testing.assert_allclose(none, track.points[4], atol=0.1)
    assert np.abs(made["none"].coarse.astype(int) - FRAMES[4]).max() <= 2
    np.testing.assert_allclose(lips[LEFT_BROW], none[LEFT_BROW], atol=0.01)
    np.testing.assert_allclose(brows[[13, 14, CHIN]], none[[13, 14, CHIN]], atol=0.01)
    assert np.abs(lips[[14, CHIN]] - none[[14, CHIN]]).max() > 1
    assert np.abs(brows[LEFT_BROW] - none[LEFT_BROW]).max() > 1


def test_frames_without_a_face_are_kept_or_hold_the_last_one(track) -> None:
    kept, held = (dubbed(track, wide_open(5), how) for how in ("keep", "hold"))
    assert [isinstance(s, WarpedFrame) for s in kept] == [False, True, False, True, True]
    assert kept[0] is FRAMES[0] and kept[2] is FRAMES[2]
    assert held[0] is FRAMES[0]  # nothing to be held yet
    assert held[2] is held[1] and isinstance(held[1], WarpedFrame)
    assert held[3] is not held[1]


def test_frames_without_a_face_can_be_an_error(track) -> None:
    with pytest.raises(NoFaceFound, match=r"2 frames show no face, the first at 0.00 s; .*keep or hold"):
        VideoWarper(track, on_missing_face="error")
    VideoWarper(track.take([1, 3, 4]), on_missing_face="error")
    with pytest.raises(ConfigError, match="one of keep, hold, error, not 'skip'"):
        VideoWarper(track, on_missing_face="skip")


def test_the_best_reference_shows_the_mouth_open(track) -> None:
    points = track.points.copy()
    points[3, [14, 87, 317], 1] += 12
    shots = VideoWarper(FaceTrack(points, track.presence, track.size, 0.0))  # at no rate nothing is smoothed
    assert shots.best_reference() == 3


def test_an_expression_is_added_to_what_the_face_does(track) -> None:
    added = expression({"smile": 1.0})
    shots = ExpressedVideoWarper(track, added)
    rows = np.repeat(added[None], len(MOVES), axis=0)
    plain = ExpressedVideoWarper(track, 0 * added)(enumerate(FRAMES), 0 * rows, Reference(FRAMES[1], track.points[1]))
    smiling = list(shots(enumerate(FRAMES), rows, Reference(FRAMES[1], track.points[1])))
    for before, after in zip(plain, smiling, strict=True):
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(before, after)
            continue
        wider = [np.linalg.norm(shot.points[291] - shot.points[61]) for shot in (before, after)]
        assert wider[1] > 1.05 * wider[0]
        np.testing.assert_allclose(after.points[LEFT_BROW].mean(0), before.points[LEFT_BROW].mean(0), atol=2.0)


def test_a_turn_is_added_to_the_head_s_own(track) -> None:
    added = expression({"head-left": 0.6})
    rows = np.repeat(added[None], len(MOVES), axis=0)
    shots = ExpressedVideoWarper(track, added)
    made = [
        s for s in shots(enumerate(FRAMES), rows, Reference(FRAMES[1], track.points[1])) if isinstance(s, WarpedFrame)
    ]
    own = canonicalise(shots.track.points)[1]
    for shot, index in zip(made, np.flatnonzero(track.usable), strict=True):
        turn = shot.pose.rotation[0] @ own.rotation[index].T
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(9.0, abs=0.3)


def test_lips_that_are_shut_do_not_cross(track) -> None:
    added = expression({"mouth-open": -2.0})
    rows = np.repeat(added[None], len(MOVES), axis=0)
    shots = ExpressedVideoWarper(track, added)
    made = [
        s for s in shots(enumerate(FRAMES), rows, Reference(FRAMES[1], track.points[1])) if isinstance(s, WarpedFrame)
    ]
    for shot in made:
        upper, lower = shot.points[13, 1], shot.points[14, 1]
        assert lower > upper - 1.5


def test_a_portrait_goes_where_its_landmarks_are_wanted(still) -> None:
    targets = np.repeat(still.points, 3, axis=0)
    targets[1, :, 0] += 6
    targets[2] += 9 * coefficients.basis().opening
    guided = GuidedPortraitWarper(astronaut(), still, targets, is_corrected=False)
    rest, aside, opened = guided(slice(0, 3))
    assert np.abs(rest.coarse.astype(int) - astronaut()).max() <= 2 and rest.disocclusion == 0
    assert np.abs(rest.moved).max() < 1e-3
    for shot, target in zip((rest, aside, opened), targets, strict=True):
        np.testing.assert_array_equal(shot.points, target)
    np.testing.assert_allclose(aside.pose.translation - rest.pose.translation, [[6, 0, 0]], atol=0.05)
    assert aside.disocclusion == 0 and opened.disocclusion > 0.5
    assert opened.moved[coefficients.OPENING] < -0.05  # the source's own less the one wanted
    (again,) = guided(slice(2, 3))
    np.testing.assert_array_equal(again.coarse, opened.coarse)


def test_lids_are_drawn_where_they_are_lower_than_in_the_frame(track, monkeypatch) -> None:
    drawn: list[float] = []

    class Seen:
        def __init__(self, frame: np.ndarray, points: np.ndarray) -> None:
            pass

        def __call__(self, frame: np.ndarray, points: np.ndarray, closure: np.ndarray) -> np.ndarray:
            drawn.append(round(float(closure[0]), 3))
            return frame

        def share(self, closure: np.ndarray) -> np.ndarray:
            return np.array([1, 0], np.float32)

    monkeypatch.setattr("facediff.rendering.warping.video.Lids", Seen)
    lids = np.zeros(coefficients.DIMENSIONS, bool)
    lids[coefficients.LIDS] = True
    motion = np.zeros((5, coefficients.DIMENSIONS), np.float32)
    motion[3, coefficients.LIDS] = 0.9
    reference = Reference(FRAMES[1], track.points[1])
    for shots, wanted in ((DrivenVideoWarper(track, lids), [0.9]), (VideoWarper(track), [])):
        drawn.clear()
        list(shots(enumerate(FRAMES), motion, reference))
        assert drawn == wanted  # a dub leaves lids alone
