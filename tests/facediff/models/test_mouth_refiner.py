"""The network that refines mouths: what it adds, and what it heeds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facediff.models.mouth_refiner import MouthRefiner


@pytest.fixture
def told() -> dict[str, Tensor]:
    """Two pictures, and what is said of them."""
    g = torch.Generator().manual_seed(0)
    shapes = {"pictures": (2, 3, 24, 32), "lips": (2, 2, 12, 16), "lack": (2, 2)}
    return {name: torch.rand(shape, generator=g) for name, shape in shapes.items()}


@pytest.fixture
def network() -> MouthRefiner:
    """A small one, as if it had learnt something."""
    torch.manual_seed(0)
    made = MouthRefiner(channels=(8, 12, 16), blocks=(1, 1, 2)).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made


def test_before_it_has_learnt_it_adds_nothing(told) -> None:
    assert not MouthRefiner(channels=(8, 12, 16), blocks=(1, 1, 1))(**told).any()


@torch.no_grad()
@pytest.mark.parametrize("name", ["pictures", "lips", "lack"])
def test_it_heeds_all_that_it_is_told(network, told, name) -> None:
    before = network(**told)
    assert before.shape == told["pictures"].shape
    after = network(**{**told, name: 1 - told[name]})
    assert (after - before).abs().max() > 1e-3


@torch.no_grad()
def test_pictures_of_a_batch_do_not_see_one_another(network, told) -> None:
    alone = network(**{name: value[:1] for name, value in told.items()})
    torch.testing.assert_close(network(**told)[:1], alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_middle_of_a_picture_is_told_by_all_of_it(network, told) -> None:
    """What is between lips depends on the lips as a whole."""
    far = told["pictures"].clone()
    far[..., :2, :2] += 1
    change = network(**{**told, "pictures": far}) - network(**told)
    assert change[..., 12, 16].abs().max() > 0
