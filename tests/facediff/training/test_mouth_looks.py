from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facediff.models.codec import FaceCodec
from facediff.training.adversary import Adversary
from facediff.training.looks import Looks, LooksWeights
from facediff.training.mouth_looks import SIZE, MouthLooks, MouthWeights, cut, find_mouths
from facediff.training.perceptual import PerceptualDistance

ROWS, COLUMNS, TOP, LEFT = 16, 20, 5, 3  # of the latents, and where the mouth's window is


class Pixels(nn.Module):
    """Pictures are their own features."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [images + 2]


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16).eval()


@pytest.fixture(scope="module")
def batch(codec) -> dict[str, Tensor]:
    """Two faces; lips in the middle of a window of latents, pictures that are what their latents decode to."""
    g = torch.Generator().manual_seed(0)
    target = torch.randn(2, 4, ROWS, COLUMNS, generator=g)
    lips = torch.zeros(2, 2, 4 * ROWS, 4 * COLUMNS)
    lips[:, 0, 4 * (TOP + 2) : 4 * (TOP + 7), 4 * (LEFT + 1) : 4 * (LEFT + 11)] = 1
    lips[:, 1, 4 * (TOP + 4) : 4 * (TOP + 5), 4 * (LEFT + 3) : 4 * (LEFT + 9)] = 1
    mask = torch.zeros(2, 1, ROWS, COLUMNS)
    mask[..., TOP + 1 : TOP + 8, LEFT : LEFT + 12] = 1
    with torch.no_grad():
        picture = ((codec.decode(target).clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return {"target": target, "lips": lips, "mask": mask, "picture": picture}


def looks(codec: FaceCodec, **weights: float) -> MouthLooks:
    judge = Looks(PerceptualDistance(Pixels()), Adversary(warmup=10, width=4), LooksWeights(distance=1.0))
    return MouthLooks(codec, judge, MouthWeights(**weights))


def test_the_window_is_around_the_lips_and_inside_the_picture(batch) -> None:
    assert find_mouths(batch["lips"][:, 0]).tolist() == [[TOP, LEFT]] * 2
    edge = torch.zeros(1, 4 * ROWS, 4 * COLUMNS)
    edge[:, -4:, -4:] = 1
    assert find_mouths(edge).tolist() == [[ROWS - SIZE[0], COLUMNS - SIZE[1]]]
    maps = torch.arange(ROWS * COLUMNS * 4.0).view(1, 1, 2 * ROWS, 2 * COLUMNS)
    part = cut(maps, torch.tensor([[4, 6]]), stride=2)
    assert part.shape == (1, 1, 18, 24) and part[0, 0, 0, 0] == maps[0, 0, 4, 6]


def test_latents_and_pictures_are_of_the_same_place(codec, batch) -> None:
    """Decoded windows lack what is around them, so the truth is near, and anything else is not."""
    judge = looks(codec)
    _, right = judge(batch, batch["target"])
    _, wrong = judge(batch, batch["target"].roll(2, 3))
    assert right["between"] < 0.02 < 0.2 * wrong["between"]


def test_what_is_known_is_not_looked_at_as_it_is_predicted(codec, batch) -> None:
    predicted = (batch["target"] + 0.3).requires_grad_()
    value, figures = looks(codec)(batch, predicted)
    (moved,) = torch.autograd.grad(value, predicted)
    inside = batch["mask"].expand_as(moved) > 0
    assert moved[inside].abs().max() > 0 and moved[~inside].abs().max() == 0
    assert not any(p.requires_grad for p in codec.parameters())
    assert {"distance", "critic", "between"} <= set(figures)


def test_pixels_count_between_the_lips_by_their_weight(codec, batch) -> None:
    values = [looks(codec, looks=0.0, pixels=weight)(batch, batch["target"] + 0.3) for weight in (1.0, 2.0)]
    assert float(values[0][0]) == pytest.approx(values[0][1]["between"])
    assert float(values[1][0]) == pytest.approx(2 * values[0][1]["between"])
