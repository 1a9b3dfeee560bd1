import pytest
import torch

from facediff.errors import ConfigError
from facediff.models.attributes import AttributeClassifier


@pytest.fixture
def classifier() -> AttributeClassifier:
    torch.manual_seed(0)
    made = AttributeClassifier(("smile", "beard", "age"), 16)
    made.directions.data = 0.3 * torch.randn(3, 16)
    made.mean.data, made.deviation.data = 0.1 * torch.randn(16), 0.2 + torch.rand(16)
    made.linear.weight.data = made.directions.data * made.deviation.data
    return made.eval()


def test_an_edit_keeps_length_one_and_raises_the_score_with_the_strength(classifier: AttributeClassifier) -> None:
    identity = torch.nn.functional.normalize(torch.randn(1, 16), dim=1)
    strengths = [torch.tensor([s, 0.0, 0.0]) for s in (-0.6, -0.3, 0.3, 0.6)]
    with torch.no_grad():
        edited = [classifier.edit(identity, strength) for strength in strengths]
        scores = [float(classifier(vector)[0, 0]) for vector in edited]
    assert scores == sorted(scores) and scores[0] < scores[-1]
    for vector in edited:
        assert float(vector.norm()) == pytest.approx(1.0, abs=1e-5)


def test_strength_0_is_the_same_vector_bit_for_bit(classifier: AttributeClassifier) -> None:
    identity = torch.randn(2, 16)
    assert torch.equal(classifier.edit(identity, torch.zeros(3)), identity)


def test_scores_are_of_standardised_components(classifier: AttributeClassifier) -> None:
    with torch.no_grad():
        torch.testing.assert_close(classifier(classifier.mean[None]), classifier.linear.bias[None])
        one = classifier.mean + classifier.deviation
        torch.testing.assert_close(classifier.standardise(one[None]), torch.ones(1, 16))


def test_an_unknown_attribute_is_named(classifier: AttributeClassifier) -> None:
    assert classifier.index("beard") == 1
    with pytest.raises(ConfigError, match="hat.*smile, beard, age"):
        classifier.index("hat")
