from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facediff.training.adversary import Adversary
from facediff.training.looks import Looks, LooksWeights
from facediff.training.perceptual import PerceptualDistance


class Pixels(nn.Module):
    """Pictures are their own features."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [images + 2]  # no feature is 0


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 16, 16, generator=g), torch.rand(2, 3, 16, 16, generator=g)


def test_before_its_adversary_has_learnt_distance_alone_counts_and_then_everything(pictures) -> None:
    weights, adversary = LooksWeights(distance=2.0, realism=3.0, match=5.0), Adversary(warmup=1, width=4)
    looks, distance = Looks(PerceptualDistance(Pixels()), adversary, weights), PerceptualDistance(Pixels())
    seen = []
    for say in (0, 0, 1):
        fooled, match = adversary.judge(pictures[1], pictures[0])
        value, figures = looks(*pictures)
        wanted = 2 * distance(*pictures) + say * (3 * fooled + 5 * match)
        torch.testing.assert_close(value, wanted, rtol=1e-4, atol=1e-5)
        seen.append(set(figures))
    assert seen == [{"distance", "critic"}] * 2 + [{"distance", "critic", "fooled", "match"}]
    assert looks.companions == [adversary]


def test_looking_without_learning_teaches_nobody(pictures) -> None:
    adversary = Adversary(warmup=0, width=4)
    before = [p.clone() for p in adversary.network.parameters()]
    with torch.no_grad():
        _, figures = Looks(PerceptualDistance(Pixels()), adversary)(*pictures)
    assert "critic" not in figures
    assert all(torch.equal(a, b) for a, b in zip(before, adversary.network.parameters(), strict=True))
