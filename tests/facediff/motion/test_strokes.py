from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from facediff.errors import WeightsError
from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.mesh import LEFT_IRIS, LIP_PAIRS
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig
from facediff.motion.strokes import STYLE, FaceStrokes, StrokeStyle, find_grip, load_stroke_prior
from facediff.system.weights import CHECKPOINTS
from facediff.types import RigidPose

UNIT = 100.0  # pixels between the outer corners of the eyes
NOSE, FOREHEAD, LOWER_LIP, CHIN, BROW, LID, CORNERS = 1, 10, 17, 152, 334, 386, (61, 291)
HEAD = [*range(coefficients.DIMENSIONS)[coefficients.ANGLES], *range(coefficients.DIMENSIONS)[coefficients.SHIFT]]
POSE = RigidPose(np.eye(3, dtype=np.float32)[None], np.float32([UNIT]), np.float32([[256, 200, 0]]))
RIG = FaceRig.from_shape(mean_face(), POSE)


def place(rows):
    return RIG.express(rows), RIG.move_head(rows)


POINTS = from_canonical(*place(np.zeros((1, coefficients.DIMENSIONS), np.float32)))[0]


def drag(*moved: tuple[int, tuple[float, float]], pins: tuple[int, ...] = (), style: StrokeStyle = STYLE):
    """The motion, and landmarks (478, 3), of points that are moved by so much."""
    points = [point for point, _ in moved] + list(pins)
    grips = [find_grip(POINTS, tuple(POINTS[point, :2])) for point in points]
    face = FaceStrokes(place, grips, load_stroke_prior(), style)
    away = np.array([by for _, by in moved] + [(0.0, 0.0)] * len(pins)).reshape(-1, 2)
    face = face.choose(face.starts + away) if points else face
    made = face.drag(face.starts + away)
    canonical, pose = place(made.row[None])
    return made, from_canonical(canonical + np.tensordot(made.weights, face.shapes, 1), pose)[0], face


@pytest.mark.parametrize(
    ("point", "by"),
    [(NOSE, (12, 4)), (CORNERS[1], (4, -5)), (BROW, (0, -6)), (CHIN, (0, 12)), (LOWER_LIP, (0, 8)), (LID, (0, 4)),
     (LEFT_IRIS[0], (4, 0))],
)  # fmt: skip
def test_a_point_ends_where_it_is_put(point, by) -> None:
    _, points, _ = drag((point, by))
    np.testing.assert_allclose(points[point, :2], POINTS[point, :2] + by, atol=0.3)


def test_no_stroke_and_pins_alone_move_nothing() -> None:
    for made, points, _ in (drag(), drag(pins=(NOSE, *CORNERS))):
        np.testing.assert_allclose(made.row, 0, atol=1e-4)
        np.testing.assert_allclose(points, POINTS, atol=1e-4)


def test_each_part_is_moved_by_its_own_points() -> None:
    nose, brow, lips, lid, iris = (
        np.abs(drag(one)[0].row)
        for one in ((NOSE, (10, 0)), (BROW, (0, -5)), (LOWER_LIP, (0, 6)), (LID, (0, 3)), (LEFT_IRIS[0], (3, 0)))
    )
    assert nose[coefficients.ANGLES].max() > 2 and nose[coefficients.LIPS].max() < 0.1
    assert (
        brow[coefficients.BROWS].max() > 1 and lips[coefficients.OPENING] > 0.02 and lid[coefficients.LIDS].min() > 0.1
    )
    assert iris[coefficients.GAZE][0] > 0.05 and iris[coefficients.LIPS].max() < 0.1
    for row in (brow, lips, lid):
        assert row[coefficients.ANGLES].max() < 1 and row[coefficients.SHIFT].max() < 0.02
    assert brow[coefficients.LIPS].max() < 0.1 and lips[coefficients.BROWS].max() < 0.1


def test_strokes_that_go_together_mean_the_head_where_a_face_would_be_strained() -> None:
    """A brow, a corner of the mouth and the chin all go down, which each of them may do alone."""
    down = [(point, (0, 14)) for point in (BROW, CORNERS[0], CHIN)]
    made, points, _ = drag(*down)
    assert made.row[HEAD].any() and np.abs(made.row[coefficients.LIPS]).max() < 0.5
    np.testing.assert_allclose((points - POINTS)[NOSE, 1], 14, atol=4)
    assert not drag(down[0])[0].row[HEAD].any() and not drag(down[1])[0].row[HEAD].any()
    for gesture in (
        [(BROW, (0, -9)), (105, (0, -9))],  # both brows far up
        [(LOWER_LIP, (0, 16)), (CHIN, (0, 16))],  # a wide mouth
        [(LID, (0, 9)), (159, (0, 9))],
        [(CORNERS[0], (-4, -3)), (CORNERS[1], (4, -3))],
    ):
        assert not drag(*gesture)[0].row[HEAD].any()


def test_lips_that_strokes_say_nothing_of_part_less_than_those_of_who_talks() -> None:
    moved = ((FOREHEAD, (-11, 0)), (127, (-10, 0)), (LOWER_LIP, (-4, 3)))
    quiet, talking = (drag(*moved, style=replace(STYLE, spoken=spoken))[0].row for spoken in (STYLE.spoken, 1.0))
    opening = coefficients.OPENING
    assert abs(quiet[opening][0]) < 0.8 * abs(talking[opening][0])


def test_a_long_stroke_and_a_short_one_mean_the_same() -> None:
    short, long = (drag((NOSE, (by, 0)))[0].row for by in (2, 16))
    np.testing.assert_allclose(long[coefficients.SHIFT], 8 * short[coefficients.SHIFT], rtol=0.1, atol=2e-3)


def test_a_mirrored_stroke_gives_a_mirrored_face() -> None:
    right, left = (drag((corner, (side * 5, -4)))[1] for corner, side in zip(CORNERS, (-1, 1), strict=True))
    moved, mirrored = ((points - POINTS)[[*CORNERS, NOSE, CHIN], :2] for points in (right, left))
    np.testing.assert_allclose(mirrored, moved[[1, 0, 2, 3]] * [-1, 1], atol=0.4)


def test_a_pin_holds() -> None:
    _, free, _ = drag((CORNERS[1], (5, -5)))
    _, held, _ = drag((CORNERS[1], (5, -5)), pins=(CORNERS[0],))
    away = [np.linalg.norm((points - POINTS)[CORNERS[0], :2]) for points in (free, held)]
    assert away[0] > 1 and away[1] < 0.3


def test_lips_push_one_another_and_do_not_pass() -> None:
    _, points, face = drag((LOWER_LIP, (0, -9)))
    gaps = [points[low, 1] - points[up, 1] for up, low in LIP_PAIRS]
    assert min(gaps) > -0.02 * UNIT
    assert points[LOWER_LIP, 1] < POINTS[LOWER_LIP, 1] - 8


def test_what_no_face_does_is_told() -> None:
    fair, _, face = drag((CORNERS[1], (5, -5)))
    assert face.is_possible(fair)
    for moved in ((CORNERS[1], (60, 0)), (BROW, (0, -60)), (NOSE, (160, 0))):
        made, _, face = drag(moved)
        assert not face.is_possible(made)


def test_a_mouth_is_not_torn_and_who_smiles_has_less_left_to_smile() -> None:
    """The upper lip of a face at rest, and of one that smiles already, goes up by as much."""
    far, less = drag((0, (0, -26))), drag((0, (0, -8)))
    assert not far[2].is_possible(far[0]) and less[2].is_possible(less[0])
    smile = np.zeros(coefficients.DIMENSIONS, np.float32)
    smile[coefficients.LIPS] = drag((CORNERS[0], (-10, -9)), (CORNERS[1], (10, -9)))[0].row[coefficients.LIPS]

    def smiling(rows):
        return place(rows + smile)

    points = from_canonical(*smiling(np.zeros((1, coefficients.DIMENSIONS), np.float32)))[0]
    kept = []
    for where, by in ((place, POINTS), (smiling, points)):
        grips = [find_grip(by, tuple(by[corner, :2])) for corner in CORNERS]
        face = FaceStrokes(where, grips, load_stroke_prior())
        kept.append(face.is_possible(face.drag(face.starts + np.array([[-12.0, -11.0], [12.0, -11.0]]))))
    assert kept == [True, False]


def test_what_is_held_is_what_lies_there() -> None:
    assert find_grip(POINTS, tuple(POINTS[LEFT_IRIS[0], :2])).is_iris
    assert not find_grip(POINTS, tuple(POINTS[NOSE, :2])).is_iris
    grip = find_grip(POINTS, (256.0, 230.0))
    np.testing.assert_allclose(grip.weights @ POINTS[grip.corners, :2], [256, 230], atol=1e-3)
    below = POINTS[CHIN, :2] + [0, 5]
    assert find_grip(POINTS, tuple(below)).corners[0] == CHIN and find_grip(POINTS, tuple(below + [0, 40])) is None


def test_a_model_without_a_prior_has_the_embedded_one_and_a_damaged_one_is_told(tmp_path) -> None:
    own = tmp_path / "model"
    shutil.copytree(CHECKPOINTS / "base" / "unseen", own / "unseen")
    assert np.array_equal(load_stroke_prior(own).covariance, load_stroke_prior().covariance)
    with pytest.raises(WeightsError, match="no model"):
        load_stroke_prior(tmp_path / "nothing")
    other = tmp_path / "other"
    shutil.copytree(CHECKPOINTS / "base" / "strokes", other / "strokes")
    (other / "strokes" / "prior.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match="damaged"):
        load_stroke_prior(other)


def test_the_prior_has_two_like_sides() -> None:
    prior = load_stroke_prior()
    lids = prior.covariance[coefficients.LIDS, coefficients.LIDS]
    assert lids[0, 0] == pytest.approx(lids[1, 1], rel=0.05)
    assert np.linalg.eigvalsh(prior.covariance).min() > -1e-6 and (prior.offset[:468] > 0).all()
