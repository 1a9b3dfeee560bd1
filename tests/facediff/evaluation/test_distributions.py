"""Gates: shuffled frames are other films and the same pictures; samples foretell better than one of them."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import InputError
from facediff.evaluation.distributions import _crps, sampled_frames
from facediff.evaluation.frechet import COMPONENTS, SPAN, STRIDE
from facediff.evaluation.registry import Entry, metrics

FILMS = (72 - SPAN) // STRIDE + 1


def entries(cases, name: str, films: tuple[str, ...]) -> list[Entry]:
    """Of several films, which as a set have features enough."""
    features = metrics()[name].features
    truth = np.concatenate([cases[film].once(features) for film in ("plain", "soft", "late")])
    return [Entry("plain", np.concatenate([cases[film].once(features) for film in films]), truth)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fvd_facediff", "kvd_facediff"])
def test_shuffled_frames_are_another_film(cases, name) -> None:
    assert FILMS <= COMPONENTS < 2 * FILMS  # one of these films alone is too little
    measure = metrics()[name].measure
    same, shuffled = (measure(entries(cases, name, films)) for films in (("plain", "late"), ("shuffled", "shuffled")))
    assert shuffled > 5 * abs(same)


@pytest.mark.slow
def test_shuffled_frames_are_the_same_pictures(cases) -> None:
    measure = metrics()["fid_facediff"].measure
    same, shuffled, blurred = (
        measure(entries(cases, "fid_facediff", films)) for films in (("plain",), ("shuffled",), ("softer",))
    )
    assert shuffled == pytest.approx(same, abs=0.1 * blurred) and blurred > 2 * same


@pytest.mark.slow
def test_three_qualities_keep_their_order(cases) -> None:
    measure = metrics()["fid_facediff"].measure
    good, middling, bad = (
        measure(entries(cases, "fid_facediff", (film,))) for film in ("soft", "softer", "softest")
    )  # fmt: skip
    assert good < middling < bad


def test_too_little_for_a_distribution_is_refused(cases) -> None:
    case = cases["plain"]
    few = case.once(metrics()["fvd_facediff"].features)
    with pytest.raises(InputError, match=f"more than {COMPONENTS} features, not {FILMS}"):
        metrics()["fvd_facediff"].measure([Entry("plain", few, few)])
    with pytest.raises(InputError, match="needs truths"):
        metrics()["fvd_facediff"].measure([Entry("", few, None)])


def test_two_samples_around_a_truth_score_better_than_one_of_them_twice(cases) -> None:
    truth = cases["plain"].once(sampled_frames).astype(float)
    high, low = truth + 9, truth - 9
    spread = _crps([Entry("plain", high, truth), Entry("plain", low, truth)])
    stuck = _crps([Entry("plain", high, truth), Entry("plain", high, truth)])
    assert spread == pytest.approx(4.5 / 255) and stuck == pytest.approx(9 / 255)
    with pytest.raises(InputError, match="two videos or more of one truth"):
        _crps([Entry("plain", high, truth)])


def test_one_face_is_of_one_kind(figure) -> None:
    assert 1 <= figure("is_facediff", "plain") < 2
