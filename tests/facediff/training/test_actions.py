"""Each action moves what its muscle moves, both sides alike, and lips keep their distance."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.folds import FOLDS
from facediff.landmarks.mesh import LEFT_EYE, RIGHT_EYE
from facediff.motion.emotions import EMOTIONS
from facediff.training.actions import HILLS, RECIPES, Ingredients, actions, measure_parting
from facediff.training.motion_basis import mirror_order


@pytest.mark.parametrize("name", actions())
def test_both_sides_do_the_same(name) -> None:
    shift = actions()[name]
    np.testing.assert_allclose(shift[mirror_order()] * [-1, 1, 1], shift, atol=0.06)
    assert not shift[468:].any()


@pytest.mark.parametrize("name", HILLS)
def test_what_is_at_its_place_goes_its_way(name) -> None:
    (x, y), _, way = HILLS[name]
    nearest = np.argmin(np.linalg.norm(mean_face()[:468, :2] - (x, y), axis=1))
    gone = actions()[name][nearest, :2] @ way
    assert 0.5 < gone <= 1.0001
    far = np.linalg.norm(np.abs(mean_face()[:, :2] * [1, 0]) + mean_face()[:, :2] * [0, 1] - (x, y), axis=1) > 0.65
    assert np.abs(actions()[name][far]).max() < 0.1


def test_brows_leave_the_lids() -> None:
    eyes = np.concatenate([RIGHT_EYE, LEFT_EYE])
    for name in ("inner-brows-up", "outer-brows-up", "brows-down", "brows-together"):
        assert not actions()[name][eyes].any() and np.abs(actions()[name]).max() > 0.8


def test_lips_that_are_pressed_are_thinner_and_not_further_apart() -> None:
    moved = mean_face() + 0.05 * actions()["lips-pressed"]
    assert moved[17, 1] - moved[0, 1] < mean_face()[17, 1] - mean_face()[0, 1] - 0.03
    np.testing.assert_array_equal(moved[[13, 14, 61, 291]], mean_face()[[13, 14, 61, 291]])


def test_a_mixture_is_a_sum_that_does_not_part_lips() -> None:
    made = Ingredients()
    mixed = made.mix({"smile": 1.2, "upper-lip-up": 0.05, "lids": 0.2, "fold:frown": 1.0})
    assert abs(measure_parting(mixed)) < 1e-3 < abs(measure_parting(actions()["upper-lip-up"]))
    np.testing.assert_allclose(mixed, 1.2 * made.shape("smile") + 0.05 * made.shape("upper-lip-up"), atol=1e-3)
    assert not made.shape("lids").any() and not made.shape("fold:frown").any()
    assert abs(measure_parting(made.opening) - 1) < 1e-3


def test_recipes_are_of_what_there_is_and_within_what_faces_do() -> None:
    known = {*actions(), "smile", "lids", *(f"fold:{name}" for name in FOLDS)}
    assert set(RECIPES) == set(EMOTIONS)
    for recipe in RECIPES.values():
        assert set(recipe.strengths) <= known
        assert all(abs(recipe.strengths.get(name, 0.0)) <= 0.12 for name in actions())  # eye distances
        assert 0 <= recipe.parting <= 0.15
