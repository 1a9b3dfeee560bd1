"""The network that makes pictures larger: what it adds, what it heeds, and what is embedded."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facediff.models.super_resolver import MOST_CHANGE, MOST_NOISE, NeighbourDetail, SuperResolver


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand((2, 3, 12, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def network() -> SuperResolver:
    """A small one, as if it had learnt something."""
    torch.manual_seed(0)
    made = SuperResolver(channels=8, blocks=2).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made


def test_before_it_has_learnt_it_adds_nothing_of_twice_the_size(pictures) -> None:
    made = SuperResolver(channels=8, blocks=1)(pictures, torch.zeros(2))
    assert made.shape == (2, 3, 24, 32) and not made.any()


@torch.no_grad()
def test_it_heeds_the_picture_and_how_noisy_each_is_said_to_be(network, pictures) -> None:
    clean = network(pictures, torch.zeros(2))
    assert (network(-pictures, torch.zeros(2)) - clean).abs().max() > 1e-3
    told = network(pictures, torch.tensor([0.0, MOST_NOISE]))
    torch.testing.assert_close(told[0], clean[0])
    assert (told[1] - clean[1]).abs().max() > 1e-3


@torch.no_grad()
def test_it_answers_to_a_shift_by_one_fold_with_the_same_shift(network) -> None:
    """So that detail does not crawl in a picture that moves by two pixels."""
    picture = torch.rand((1, 3, 48, 48), generator=torch.Generator().manual_seed(1))
    one, other = (network(torch.roll(picture, by, dims=3), torch.zeros(1)) for by in (0, 2))
    torch.testing.assert_close(
        torch.roll(one, 4, dims=3)[..., 28:-28, 28:-28], other[..., 28:-28, 28:-28], atol=1e-5, rtol=1e-4
    )


@pytest.fixture
def layer() -> NeighbourDetail:
    """As if it had learnt something."""
    torch.manual_seed(1)
    made = NeighbourDetail(8, 8).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made


def draw(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_a_temporal_layer_changes_nothing_before_it_has_learnt(network) -> None:
    fresh = network.add_temporal(8)
    assert not fresh(draw(1, 8, 6, 8), draw(1, 6, 24, 32)).any()
    assert network.config["temporal_channels"] == 8
    network.drop_temporal()
    assert network.temporal is None and network.config["temporal_channels"] == 0


@torch.no_grad()
def test_neighbours_that_are_like_a_frame_add_nothing(layer) -> None:
    assert not layer(draw(1, 8, 6, 8), torch.zeros(1, 6, 24, 32)).any()


@torch.no_grad()
def test_a_temporal_layer_heeds_either_neighbour_and_the_frame(layer) -> None:
    features, changes = draw(1, 8, 6, 8), MOST_CHANGE * draw(1, 6, 24, 32, seed=3).clamp(-1, 1)
    made = layer(features, changes)
    assert made.shape == (1, 3, 24, 32)
    for other in (layer(features, changes * mask(0)), layer(features, changes * mask(3)), layer(-features, changes)):
        assert (other - made).abs().max() > 1e-3


def mask(first: int) -> Tensor:
    """Of the six channels of changes, all but one neighbour's."""
    kept = torch.ones(1, 6, 1, 1)
    kept[:, first : first + 3] = 0
    return kept


@torch.no_grad()
def test_features_are_those_that_a_picture_is_made_of(network, pictures) -> None:
    added, features = network.describe(pictures, torch.zeros(2))
    assert features.shape == (2, 8, 6, 8)
    torch.testing.assert_close(added, network(pictures, torch.zeros(2)))


def test_it_comes_back_from_a_folder_with_its_temporal_layer(network, tmp_path) -> None:
    network.add_temporal(8)
    network.save_pretrained(tmp_path)
    known = SuperResolver.from_pretrained(tmp_path)
    assert known.temporal is not None
    torch.testing.assert_close(known.temporal.enter.weight, network.temporal.enter.weight)
