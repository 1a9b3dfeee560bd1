import numpy as np

from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.motion import coefficients
from facediff.motion.expressions import expressions
from facediff.motion.rig import FaceRig
from facediff.training.expressions import OPENED, fit_brows_up, fit_mouth_open, fit_smile


def test_the_smile_that_was_put_in_comes_out() -> None:
    """Three people with faces of their own, each with the same smile on one of two portraits, in either order."""
    rng = np.random.default_rng(0)
    smile = np.zeros(coefficients.DIMENSIONS, np.float32)
    smile[:3] = 0.4, 1.8, -0.5
    people = []
    for flipped in (False, True, False):
        rest = mean_face() + 0.02 * coefficients.basis().lips[3] * rng.normal()
        faces = np.stack([rest, FaceRig.from_shape(rest, fit_pose(rest[None])).express(smile[None])[0]]) * 200 + 300
        people.append(faces[::-1] if flipped else faces)
    found = fit_smile(people)
    np.testing.assert_allclose(found[:3], smile[:3], atol=0.3)
    assert not found[coefficients.ANGLES].any()


def test_an_opening_mouth_is_what_lips_do_as_they_part() -> None:
    rng = np.random.default_rng(0)
    motion = 0.01 * rng.normal(size=(500, coefficients.DIMENSIONS)).astype(np.float32)
    opening = rng.random(500).astype(np.float32) * 0.2
    motion[:, coefficients.OPENING.start] = opening
    motion[:, 0] += -10 * opening
    found = fit_mouth_open(motion)
    assert abs(found[0] - -10 * OPENED) < 0.1 and abs(found[1]) < 0.1
    assert found[coefficients.OPENING.start] == np.float32(OPENED)


def test_the_shipped_brows_are_those_of_the_basis() -> None:
    np.testing.assert_allclose(fit_brows_up(), expressions()["brows-up"], rtol=1e-4, atol=1e-4)
