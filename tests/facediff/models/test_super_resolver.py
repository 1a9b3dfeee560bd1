"""The network that makes pictures larger: what it adds, what it heeds, and what is embedded."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facediff.models.super_resolver import MOST_NOISE, SuperResolver


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
