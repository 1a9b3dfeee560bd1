import pytest
import torch

from facediff.errors import ConfigError
from facediff.models.attributes import AttributeClassifier
from facediff.pipelines.identity_editors import LinearEditor, TowardsEditor


@pytest.fixture
def classifier() -> AttributeClassifier:
    torch.manual_seed(0)
    made = AttributeClassifier(("beard", "age"), 12)
    made.directions.data = made.linear.weight.data.clone()
    return made.eval()


def unit(seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(12, generator=torch.Generator().manual_seed(seed)), dim=0)


def test_a_linear_edit_raises_its_own_score(classifier: AttributeClassifier) -> None:
    edited = LinearEditor(classifier, {"age": 0.3})(unit(1))
    assert float(edited.norm()) == pytest.approx(1.0, abs=1e-5)
    with torch.no_grad():
        assert classifier(edited[None])[0, 1] > classifier(unit(1)[None])[0, 1]


def test_strength_0_changes_nothing(classifier: AttributeClassifier) -> None:
    assert torch.equal(LinearEditor(classifier, {"age": 0.0})(unit(1)), unit(1))
    assert torch.equal(TowardsEditor(unit(2), 0.0)(unit(1)), unit(1))


@pytest.mark.parametrize("strengths", [{"hat": 0.1}, {"age": 2.5}, {"age": float("nan")}])
def test_what_it_cannot_do_is_refused_at_once(strengths: dict, classifier: AttributeClassifier) -> None:
    with pytest.raises(ConfigError):
        LinearEditor(classifier, strengths)


def test_towards_another_arrives_at_strength_1() -> None:
    torch.testing.assert_close(TowardsEditor(unit(2))(unit(1)), unit(2))
    half = TowardsEditor(unit(2), 0.5)(unit(1))
    torch.testing.assert_close(half @ unit(1), half @ unit(2))
