"""What a judge wants of a face is found among what faces can do, and no more of it than skin allows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.folds import FOLDS
from facediff.training.actions import Ingredients
from facediff.training.emotion_search import BOUNDS, SHOWN, WINDOW, Drawing, SearchSettings, search, show

NOTHING = torch.zeros(478, 3), torch.tensor(0.0), torch.zeros(len(FOLDS))
INNER_BROWS = (107, 336)
QUICK = SearchSettings(steps=12, portraits=1, jitter=(0.0, 0.0))


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    """A light face with dark brows."""
    points = mean_face() * 90 + (150, 130, 0)
    picture = np.full((330, 300, 3), 190, np.uint8)
    for brow in (70, 63, 105, 66, 107), (336, 296, 334, 293, 300):
        cv2.polylines(picture, [np.rint(points[list(brow), :2]).astype(np.int32)], False, (60, 40, 30), 7)
    return Drawing(picture, points)


@pytest.fixture(scope="module")
def ingredients() -> Ingredients:
    return Ingredients()


def height_of_brows(shown: torch.Tensor) -> torch.Tensor:
    """How far down (B,) what is dark lies in the middle of the upper half of pictures."""
    dark = torch.relu(150 - shown[:, : SHOWN // 2, 22:42])
    return (dark.sum(dim=2) * torch.arange(SHOWN // 2)).sum(dim=1) / dark.sum(dim=(1, 2)).clamp(min=1)


def test_a_drawing_at_rest_is_the_portrait_and_brows_go_where_they_are_put(drawing, ingredients) -> None:
    rest = drawing.draw(*NOTHING)
    assert rest.shape == (WINDOW, WINDOW)
    x, y = np.rint(drawing.points[INNER_BROWS[0], :2]).astype(int)
    assert rest[y, x] < 110 < 180 < rest[y - 8, x]
    raised = drawing.draw(torch.from_numpy(0.08 * ingredients.shape("inner-brows-up")), *NOTHING[1:])
    lift = height_of_brows(show(rest[None])) - height_of_brows(show(raised[None]))
    assert 0.3 < float(lift) < 0.1 * WINDOW
    folded = drawing.draw(*NOTHING[:2], torch.eye(len(FOLDS))[list(FOLDS).index("frown")])
    assert float((rest - folded).max()) > 10


def test_the_search_finds_what_the_judge_wants_and_leaves_the_rest(drawing, ingredients) -> None:
    at_rest = float(height_of_brows(show(drawing.draw(*NOTHING)[None])))

    def judge(shown: torch.Tensor) -> torch.Tensor:
        up = 3 * (at_rest - height_of_brows(shown))
        return torch.stack([up, -up], dim=1)

    bounds = {"inner-brows-up": (0.0, 0.09), "corners-down": (0.0, 0.05), "lids": (-0.1, 0.1)}
    raised = search([drawing], judge, 0, ingredients, bounds, settings=QUICK)
    assert 0.02 < raised["inner-brows-up"] <= 0.09 and raised["corners-down"] < 0.005
    lowered = search([drawing], judge, 1, ingredients, {"brows-down": (0.0, 0.09)}, settings=QUICK)
    assert lowered["brows-down"] > 0.01


def test_brows_do_not_come_upon_the_lids_whatever_a_judge_says(drawing, ingredients) -> None:
    def judge(shown: torch.Tensor) -> torch.Tensor:
        down = height_of_brows(shown) - 100  # never sure of it
        return torch.stack([down, 0 * down], dim=1)

    bounds = {"brows-down": (0.0, 0.3)}
    far = search([drawing], judge, 0, ingredients, bounds, settings=SearchSettings(12, 1, rate=0.2, brows=-9.0))
    kept = search([drawing], judge, 0, ingredients, bounds, settings=SearchSettings(12, 1, rate=0.2, brows=0.6))
    assert kept["brows-down"] < 0.08 < far["brows-down"]


def test_bounds_are_of_what_can_be_mixed(ingredients) -> None:
    for bounds in BOUNDS.values():
        for name, (low, high) in bounds.items():
            assert low <= high and ingredients.shape(name).shape == (478, 3)
