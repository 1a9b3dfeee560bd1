from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import NoFaceFound
from facediff.landmarks import masks
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import CHIN, LEFT_BROW, LIPS_INNER
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.expressions import expression
from facediff.rendering.frame import WarpedFace, WarpedFrame
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
    return float(coefficients.lip_opening(shot.face.points[None])[0])


@pytest.fixture(scope="module")
def dubbed(film_of, track):
    """Warps all frames, their lips doing a motion."""

    def dub(motion: np.ndarray, how: str = "keep", part: slice = slice(0, 5)) -> list[WarpedFrame]:
        return list(film_of(FRAMES, track, how).speak(motion)(part))

    return dub


def test_in_a_dub_the_lower_face_moves_and_nothing_else_does(track, dubbed) -> None:
    made, shut = dubbed(wide_open(5)), dubbed(0 * wide_open(5))
    above = [*LEFT_BROW, 10, 168]
    for index in (1, 3, 4):
        shot, own = made[index], track.points[index]
        assert gap(shot) > 4 and gap(shut[index]) < 1.5  # whatever the mouth does in the video
        np.testing.assert_allclose(shot.face.points[above], own[above], atol=0.5)
        assert shot.face.points[CHIN, 1] > shut[index].face.points[CHIN, 1] + 2
        assert np.abs(shot.picture[:115].astype(int) - FRAMES[index][:115]).max() <= 2
        np.testing.assert_array_equal(shot.picture[400:], FRAMES[index][400:])
        mouth = np.s_[140:165, 205:245]
        assert np.abs(shut[index].picture.astype(int) - FRAMES[index])[mouth].mean() > 5


def test_a_driver_moves_what_is_chosen_and_nothing_else(film_of, track) -> None:
    motion = np.zeros((5, coefficients.DIMENSIONS), np.float32)  # lips together, which hers are not
    motion[:, coefficients.BROWS] = 2.0
    made = {}
    for name, parts in {"none": [], "lips": [coefficients.LIPS], "brows": [coefficients.BROWS]}.items():
        chosen = np.zeros(coefficients.DIMENSIONS, bool)
        for part in parts:
            chosen[part] = True
        made[name] = next(film_of(FRAMES, track).follow(motion, chosen)(slice(4, 5)))
    none, lips, brows = (made[name].face.points for name in ("none", "lips", "brows"))
    np.testing.assert_allclose(none, track.points[4], atol=0.1)
    assert np.abs(made["none"].picture.astype(int) - FRAMES[4]).max() <= 2
    np.testing.assert_allclose(lips[LEFT_BROW], none[LEFT_BROW], atol=0.01)
    np.testing.assert_allclose(brows[[13, 14, CHIN]], none[[13, 14, CHIN]], atol=0.01)
    assert np.abs(lips[[14, CHIN]] - none[[14, CHIN]]).max() > 1
    assert np.abs(brows[LEFT_BROW] - none[LEFT_BROW]).max() > 1


def test_frames_without_a_face_are_kept_or_hold_the_last_one(dubbed) -> None:
    kept, held = (dubbed(wide_open(5), how) for how in ("keep", "hold"))
    assert [frame.face is not None for frame in kept] == [False, True, False, True, True]
    assert kept[0].picture is FRAMES[0] and kept[2].picture is FRAMES[2]
    assert held[0].picture is FRAMES[0]  # nothing to be held yet
    assert held[2] is held[1] and held[1].face is not None
    assert held[3] is not held[1]


def test_a_part_that_begins_without_a_face_holds_what_the_whole_holds(dubbed) -> None:
    motion = wide_open(5) * np.linspace(0.5, 1, 5, dtype=np.float32)[:, None]
    whole, part = dubbed(motion, "hold"), dubbed(motion, "hold", slice(2, 5))
    assert len(part) == 3
    for one, other in zip(whole[2:], part, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)


def test_frames_without_a_face_can_be_an_error(film_of, track) -> None:
    with pytest.raises(NoFaceFound, match=r"2 frames show no face, the first at 0.00 s; .*keep or hold"):
        film_of(FRAMES, track, "error")
    film_of(FRAMES, track.take([1, 3, 4]), "error")


def test_the_best_reference_shows_the_mouth_open(film_of, track) -> None:
    points = track.points.copy()
    points[3, [14, 87, 317], 1] += 12
    still = FaceTrack(points, track.presence, track.size, 0.0)  # at no rate nothing is smoothed
    assert film_of(FRAMES, still).find_reference() == 3


def test_an_expression_is_added_to_what_the_face_does(film_of, track) -> None:
    added = expression({"smile": 1.0})
    rows = np.repeat(added[None], len(MOVES), axis=0)
    plain, smiling = (list(film_of(FRAMES, track).express(enumerate(FRAMES), r, turns=False)) for r in (0 * rows, rows))
    for before, after in zip(plain, smiling, strict=True):
        if before.face is None:
            assert after.picture is before.picture and after.face is None
            continue
        one, other = before.face.points, after.face.points
        assert np.linalg.norm(other[291] - other[61]) > 1.05 * np.linalg.norm(one[291] - one[61])
        np.testing.assert_allclose(other[LEFT_BROW].mean(0), one[LEFT_BROW].mean(0), atol=2.0)


def test_a_turn_is_added_to_the_head_s_own(film_of, track) -> None:
    added = expression({"head-left": 0.6})
    rows = np.repeat(added[None], len(MOVES), axis=0)
    film = film_of(FRAMES, track)
    made = [frame for frame in film.express(enumerate(FRAMES), rows, turns=True) if frame.face is not None]
    own = canonicalise(film.face.track.points)[1]
    for shot, index in zip(made, np.flatnonzero(track.usable), strict=True):
        turn = shot.face.pose.rotation[0] @ own.rotation[index].T
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(9.0, abs=0.3)


def test_lips_that_are_shut_do_not_cross(film_of, track) -> None:
    added = expression({"mouth-open": -2.0})
    rows = np.repeat(added[None], len(MOVES), axis=0)
    film = film_of(FRAMES, track)
    made = [frame for frame in film.express(enumerate(FRAMES), rows, turns=False) if frame.face is not None]
    for shot in made:
        upper, lower = shot.face.points[13, 1], shot.face.points[14, 1]
        assert lower > upper - 1.5


def test_lids_are_drawn_where_they_are_lower_than_in_the_frame(film_of, track, inpainter) -> None:
    drawn: list[float] = []

    class Noting:
        def prepare(self, picture: np.ndarray, points: np.ndarray, pose=None) -> Noting:
            return self

        def shut_lids(self, picture: np.ndarray, points: np.ndarray, closure: np.ndarray) -> np.ndarray:
            drawn.append(round(float(closure[0]), 3))
            return picture

        def drawn_lids(self, closure: np.ndarray) -> np.ndarray:
            return np.array([1, 0], np.float32)

        def inpaint_mouth(self, picture: np.ndarray, face: WarpedFace) -> np.ndarray:
            return picture

    lids = np.zeros(coefficients.DIMENSIONS, bool)
    lids[coefficients.LIDS] = True
    motion = np.zeros((5, coefficients.DIMENSIONS), np.float32)
    motion[3, coefficients.LIDS] = 0.9
    film = film_of(FRAMES, track, drawn_by=Noting())
    for warp, wanted in ((film.follow(motion, lids), [0.9]), (film.speak(motion), [])):
        drawn.clear()
        list(warp(slice(0, 5)))
        assert drawn == wanted  # a dub leaves lids alone


def test_a_part_is_warped_as_in_the_whole_beyond_the_end_of_the_video_too(dubbed) -> None:
    """A video that is shorter than the speech is played back and forth."""
    motion = wide_open(12) * np.linspace(0.2, 1, 12, dtype=np.float32)[:, None]
    whole, part = dubbed(motion, part=slice(0, 12)), dubbed(motion, part=slice(7, 11))
    for one, other in zip(whole[7:11], part, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)


def test_a_mouth_that_opens_shows_what_another_moment_shows(film_of, still) -> None:
    """Of four frames the last has its mouth open, and green; dubbed to open, so are the others; shut, none is."""
    canonical, pose = canonicalise(still.points)
    wide = canonical[0] + 0.12 * coefficients.basis().opening
    points = np.stack([still.points[0]] * 3 + [from_canonical(wide[None], pose)[0]]).astype(np.float32)
    inside = masks.region(points[3][LIPS_INNER], (512, 512), float(pose.scale[0]))[..., None]
    green = np.rint(astronaut() + inside * (np.array([20, 220, 40]) - astronaut())).astype(np.uint8)
    film = film_of([astronaut()] * 3 + [green], FaceTrack(points, np.full(4, 2, np.uint8), (512, 512), 0.0))
    for motion, is_open in ((2 * wide_open(4), True), (0 * wide_open(4), False)):
        for shot in film.speak(motion)(slice(0, 3)):
            where = masks.region(shot.face.points[LIPS_INNER], (512, 512), float(pose.scale[0])) == 1
            greenish = shot.picture[where].astype(int)
            assert (greenish[:, 1].mean() > 1.5 * greenish[:, 0].mean() + 20) == is_open
        assert shot.face.unobserved == 0  # nothing is to be invented
