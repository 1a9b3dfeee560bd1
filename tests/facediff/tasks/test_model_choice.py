"""Which models make a clip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facediff.errors import ConfigError, WeightsError
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.rendering import CHUNK
from facediff.rendering.frame import FIRST
from facediff.tasks import model_cache
from facediff.tasks.model_choice import ModelChoice


@pytest.fixture
def choice(tiny_model) -> ModelChoice:
    return ModelChoice(str(tiny_model), "cpu")


@pytest.fixture
def of_domain(choice, adapted) -> ModelChoice:
    return replace(choice, domain=adapted.folder)


def test_nothing_is_loaded_by_choosing(monkeypatch) -> None:
    monkeypatch.setattr(model_cache, "load_talk", lambda *given: pytest.fail("loaded"))
    chosen = ModelChoice("nowhere", "cpu")
    with pytest.raises(pytest.fail.Exception):
        chosen.load_talk()


def test_without_a_domain_the_avatars_own_model_talks_and_nothing_is_painted_over(choice) -> None:
    _, painting = choice.load_talk()
    assert not isinstance(painting, AdaptedTalkPipeline) and choice.load_domain_painter() is None
    assert painting is choice.load_talk()[1]


def test_a_domain_is_mixed_as_its_card_says_or_as_is_asked(of_domain, adapted) -> None:
    usual, asked = of_domain.load_talk()[1], replace(of_domain, prior_strength=0.25).load_domain_painter()
    assert isinstance(usual, AdaptedTalkPipeline) and usual.mix.strength == adapted.card.prior_strength
    assert isinstance(asked, AdaptedTalkPipeline) and asked.mix.strength == 0.25


def test_one_choice_leaves_another_as_it_was(of_domain, adapted) -> None:
    """Though their networks are the same."""
    replace(of_domain, prior_strength=0.25).load_talk()
    assert of_domain.load_talk()[1].mix.strength == adapted.card.prior_strength


@pytest.mark.parametrize("given", [{"prior": "base"}, {"prior_strength": 0.5}, {"text": "a man"}])
def test_what_is_said_of_a_domain_is_refused_where_there_is_none(choice, given) -> None:
    for ask in (ModelChoice.load_talk, ModelChoice.load_domain_painter):
        with pytest.raises(ConfigError, match="give a domain too"):
            ask(replace(choice, **given))


def test_a_domain_that_is_not_there_is_named(choice) -> None:
    with pytest.raises(WeightsError, match="nobody"):
        replace(choice, domain="nobody").load_talk()


@pytest.mark.parametrize(
    ("asked", "first"), [({}, FIRST), ({"domain": "studio"}, CHUNK), ({"prior_strength": 0.5}, CHUNK)]
)
def test_what_composes_scores_paints_whole_chunks_so_that_parts_equal_the_whole(asked, first):
    assert ModelChoice("base", "cpu", **asked).first_painted == first
