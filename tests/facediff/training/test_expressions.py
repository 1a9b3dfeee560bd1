import numpy as np

from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.folds import FOLDS
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS
from facediff.motion.expressions import expressions
from facediff.motion.rig import FaceRig
from facediff.training.actions import RECIPES
from facediff.training.expressions import (
    OPENED,
    STRONGER,
    fit_brows_up,
    fit_emotion,
    fit_emotions,
    fit_mouth_open,
    fit_smile,
    split_change,
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
    row, beyond = split_change(fit_emotion(people), 0.1)
    assert abs(row[coefficients.BROWS.start] - 2.0 * STRONGER) < 0.5
    rest = FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None]))
    wanted, got = rest.express(added[None])[0] - mean_face(), rest.express(row[None])[0] + beyond - mean_face()
    upper = mean_face()[:, 1] < 0.1
    assert np.corrcoef(wanted[upper, 1], got[upper, 1])[0, 1] > 0.9
    assert not row[coefficients.ANGLES].any() and not beyond[468:].any()
    np.testing.assert_allclose(row[coefficients.LIDS], 0.1)


def test_all_emotions_are_what_people_do_mixed_as_their_recipes_say() -> None:
    rng = np.random.default_rng(1)
    rig = FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None] * 150 + 300))
    spoken = np.zeros((20, coefficients.DIMENSIONS), np.float32)
    spoken[:, :4] = 0.3 * rng.normal(size=(20, 4))
    plain = rig.points(spoken)
    raised = rig.points(spoken + 3 * np.eye(coefficients.DIMENSIONS, dtype=np.float32)[coefficients.BROWS.start])
    still, moved = (fit_emotions([{"neutral": plain} | dict.fromkeys(EMOTIONS, one)]) for one in (plain, raised))
    assert {name.split(".")[0] for name in still} == set(EMOTIONS)
    for name in EMOTIONS:
        assert still[f"{name}.shape"].shape == (478, 3) and still[f"{name}.folds"].shape == (len(FOLDS),)
        strengths = RECIPES[name].strengths
        more = moved[f"{name}.row"] - still[f"{name}.row"]
        assert abs(more[coefficients.BROWS.start] - 3 * STRONGER * strengths["learnt"]) < 0.9
        np.testing.assert_allclose(moved[f"{name}.row"][coefficients.LIDS], strengths["lids"], atol=1e-3)
        np.testing.assert_allclose(moved[f"{name}.parting"], RECIPES[name].parting, atol=1e-4)
    assert moved["angry.folds"][list(FOLDS).index("frown")] == np.float16(RECIPES["angry"].strengths["fold:frown"])
