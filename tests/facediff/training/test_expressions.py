import numpy as np

from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS
from facediff.motion.expressions import expressions
from facediff.motion.rig import FaceRig
from facediff.training.expressions import (
    OPENED,
    STRONGER,
    fit_brows_up,
    fit_emotion,
    fit_emotions,
    fit_mouth_open,
    fit_smile,
)


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


def test_an_emotion_is_what_speech_with_it_has_more_whatever_the_head_does() -> None:
    """Two people who speak at random, once with brows and mouth corners moved, under heads that turn."""
    rng = np.random.default_rng(0)
    added = np.zeros(coefficients.DIMENSIONS, np.float32)
    added[coefficients.BROWS.start], added[1] = 2.0, 1.2
    people = []
    for yaw in (-8.0, 10.0):
        rig = FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None] * 150 + 300))
        spoken = np.zeros((60, coefficients.DIMENSIONS), np.float32)
        spoken[:, :4] = 0.3 * rng.normal(size=(60, 4))
        turned = spoken + added
        turned[:, coefficients.ANGLES.start] = yaw
        people.append((rig.points(spoken), rig.points(turned)))
    row, beyond = fit_emotion(people)
    assert abs(row[coefficients.BROWS.start] - 2.0 * STRONGER) < 0.5
    rest = FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None]))
    wanted, got = rest.express(added[None])[0] - mean_face(), rest.express(row[None])[0] + beyond - mean_face()
    upper = mean_face()[:, 1] < 0.1
    assert np.corrcoef(wanted[upper, 1], got[upper, 1])[0, 1] > 0.9
    assert not row[coefficients.ANGLES].any() and not beyond[468:].any()


def test_all_emotions_are_fitted_of_people_who_show_them() -> None:
    rng = np.random.default_rng(1)
    rig = FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None] * 150 + 300))
    spoken = np.zeros((20, coefficients.DIMENSIONS), np.float32)
    spoken[:, :4] = 0.3 * rng.normal(size=(20, 4))
    person = {"neutral": rig.points(spoken)}
    for place, name in enumerate(EMOTIONS):
        person[name] = rig.points(spoken + np.eye(coefficients.DIMENSIONS, dtype=np.float32)[16 + place % 2 * 2])
    made = fit_emotions([person])
    assert {name.split(".")[0] for name in made} == set(EMOTIONS) and made["sad.shape"].shape == (478, 3)
    for place, name in enumerate(EMOTIONS):
        brows = made[f"{name}.row"][coefficients.BROWS]
        if name != "happy":
            assert np.argmax(np.abs(brows)) == place % 2 * 2  # of those that are alike on both sides
