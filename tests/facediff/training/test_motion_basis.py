import numpy as np
import pytest

from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.head_pose import rotations
from facediff.landmarks.mesh import LEFT_BROW, LIPS_INNER, OUTER_EYES, RIGHT_BROW
from facediff.motion.coefficients import MotionBasis, lip_opening
from facediff.training.motion_basis import fit_basis, keep_axes, mirror_order
from facediff.types import RigidPose

LOWER_LIP = LIPS_INNER[1:10]
JAW = np.zeros((478, 3), np.float32)  # moves the inner lower lip down, by one eye distance
JAW[LOWER_LIP, 1] = 1.0
CORNER = np.zeros((478, 3), np.float32)
CORNER[61, 0] = -1.0
BROWS = [*RIGHT_BROW, *LEFT_BROW]
RAISE = np.zeros((478, 3), np.float32)
RAISE[BROWS, 1] = -1.0


def moved(direction: np.ndarray, size: float, frames: int, seed: int = 0) -> np.ndarray:
    """Landmarks in pixels of a head that turns while its face moves along a direction, about a mouth half open."""
    rng = np.random.default_rng(seed)
    amount = size * np.sin(np.arange(frames) * 2 * np.pi / 50 + 0.1)
    face = mean_face() + 0.2 * JAW + amount[:, None, None] * direction
    angles = rng.uniform(-10, 10, (frames, 3))
    pose = RigidPose(
        rotations(angles), np.full(frames, 90, np.float32), rng.uniform(200, 300, (frames, 3)).astype(np.float32)
    )
    return from_canonical(face, pose)


def test_a_reflection_of_a_reflection_is_the_face() -> None:
    order = mirror_order()
    np.testing.assert_array_equal(order[order], np.arange(478))
    assert order[OUTER_EYES[0]] == OUTER_EYES[1] and order[61] == 291 and order[13] == 13
    np.testing.assert_allclose(mean_face()[order] * [-1, 1, 1], mean_face(), atol=1e-3)


@pytest.fixture(scope="module")
def basis() -> dict[str, np.ndarray]:
    both = JAW + RAISE
    return fit_basis([[moved(both, 0.1, 200)], [moved(both, 0.1, 150, seed=1), moved(both, 0.1, 100, seed=2)]])


def test_the_one_direction_that_people_move_in_is_found_whatever_the_head_does(basis) -> None:
    first = basis["lips"][0] * np.sign(basis["lips"][0][LOWER_LIP, 1].sum())
    np.testing.assert_allclose(first, 0.1 / np.sqrt(2) * JAW, atol=2e-3)  # unit deviation of its coefficient
    assert np.abs(basis["lips"][1:]).max() < 2e-3
    np.testing.assert_allclose(basis["opening"], JAW, atol=0.03)
    opened = mean_face() + 0.2 * JAW + 0.1 * basis["opening"]
    apart = lip_opening(np.stack([mean_face() + 0.2 * JAW, opened]))
    assert apart[1] - apart[0] == pytest.approx(0.1, rel=0.05)


def test_lips_and_brows_are_kept_apart(basis) -> None:
    MotionBasis(**basis)
    assert basis["lips"].shape == (16, 478, 3) and basis["brows"].shape == (4, 478, 3)
    assert np.abs(basis["lips"][:, BROWS]).max() < 1e-3
    assert np.abs(basis["brows"][:, LOWER_LIP]).max() < 1e-3
    assert np.abs(basis["brows"][0, BROWS, 1]).max() > 0.03
    assert basis["lower"][LOWER_LIP].min() == 1 and basis["lower"][[*BROWS, *OUTER_EYES, 1]].max() == 0


def test_both_sides_and_all_people_count_alike() -> None:
    """One person is seen ten times as long, and the other moves one corner of the mouth only."""
    basis = fit_basis([[moved(JAW, 0.1, 1000)], [moved(CORNER, 0.1, 100, seed=1)]], lips=3, brows=1, per_person=100)
    variance = {index: (basis["lips"][:, index] ** 2).sum() for index in (14, 61, 291)}
    assert variance[61] == pytest.approx(variance[291], rel=0.02)
    assert variance[14] == pytest.approx(0.1**2 / 2 / 2, rel=0.1)  # of a sine, in half of the frames
    assert variance[61] == pytest.approx(variance[14] / 2, rel=0.1)


def test_absent_frames_and_scraps_of_a_clip_are_left_out(basis) -> None:
    both = JAW + RAISE
    gaps = np.insert(moved(both, 0.1, 200), [0, 50, 200], np.nan, axis=0)
    scrap = moved(CORNER, 1.0, 9)
    second = [moved(both, 0.1, 150, seed=1), scrap, moved(both, 0.1, 100, seed=2)]
    got = fit_basis([[scrap], [gaps, scrap], second])
    for name in ("opening", "lower"):
        np.testing.assert_allclose(got[name], basis[name], atol=1e-5)
    np.testing.assert_allclose(np.abs(got["lips"][0]), np.abs(basis["lips"][0]), atol=1e-4)


def test_a_basis_turned_to_known_axes_says_the_same_of_faces_in_their_terms() -> None:
    rng = np.random.default_rng(0)
    known = fit_basis([[moved(JAW, 0.1, 200)], [moved(CORNER, 0.06, 150, seed=1)]], lips=2, brows=1)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0].astype(np.float32)
    other = {**known, "lips": np.einsum("kj,jni->kni", turn, known["lips"]), "brows": -known["brows"]}
    turned = keep_axes(other, known)
    for name in ("lips", "brows", "opening", "lower"):
        np.testing.assert_allclose(turned[name], known[name], atol=1e-5)


def test_a_turned_basis_spans_what_the_new_faces_do_and_its_coefficients_keep_unit_deviation() -> None:
    people = [[moved(JAW, 0.1, 300)], [moved(CORNER, 0.08, 300, seed=1)]]
    fitted = fit_basis(people, lips=2, brows=1)
    known = fit_basis([[moved(JAW + CORNER, 0.1, 200)], [moved(JAW - CORNER, 0.05, 200, seed=2)]], lips=2, brows=1)
    turned = keep_axes(fitted, known)
    flat, new = (one["lips"].reshape(2, -1).astype(np.float64) for one in (fitted, turned))
    np.testing.assert_allclose(new.T @ new, flat.T @ flat, atol=1e-6)  # the covariance that it stands for
    assert np.linalg.norm(new - known["lips"].reshape(2, -1)) < np.linalg.norm(flat - known["lips"].reshape(2, -1))
