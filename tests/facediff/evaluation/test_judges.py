"""What is made of judgements; the judge here is one whose word is known, since no package of npm is at hand."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.networks.face_api import Judgement
from facediff.evaluation.registry import metrics


class Brightness:
    """Takes bright faces for old, happy and a man's."""

    def recognise(self, picture, points) -> np.ndarray:
        return np.concatenate([picture.mean(axis=(0, 1)), np.ones(125)])

    def judge(self, picture, points) -> Judgement:
        light = float(picture.mean()) / 255
        return Judgement(np.array([1 - light, light, 0, 0, 0, 0, 0]), 100 * light, light)


@pytest.fixture(scope="module")
def measure(spoilt, features):
    kit = Kit(features, weights={"face_api": "model"})
    kit.network("face_api", lambda _: Brightness())

    def measure(name: str, film: str):
        found = metrics()[name].measure(Case(Item(made=spoilt[film], truth=spoilt["plain"]), kit))
        return getattr(found, "figure", found)

    return measure


def test_figures_are_those_of_the_frames_that_are_judged(measure, cases) -> None:
    light = np.mean([frame.mean() for frame in cases["plain"].reader]) / 255
    assert measure("age_face_api", "plain") == pytest.approx(100 * light, abs=0.5)
    assert measure("male_face_api", "plain") == pytest.approx(light, abs=0.01)


def test_against_itself_nothing_differs_and_a_stranger_does(measure) -> None:
    assert measure("expression_face_api", "plain") == 0
    assert measure("csim_face_api", "plain") == pytest.approx(1, abs=1e-3)
    assert measure("expression_face_api", "stranger") > 0.05
    assert measure("csim_face_api", "stranger") < measure("csim_face_api", "plain")
