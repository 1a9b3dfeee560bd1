from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor, nn

from facediff.errors import MissingExtra
from facediff.training.perceptual import PerceptualDistance, load_perceptual_distance


class TwoScales(nn.Module):
    """Feature maps at strides 1 and 2 of fixed filters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = torch.relu(self.first(images))
        return [fine, self.second(fine)]


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 16, 16, generator=g), torch.rand(2, 3, 16, 16, generator=g)


def test_it_is_nothing_of_equal_pictures_and_the_same_both_ways(pictures) -> None:
    distance, (one, other) = PerceptualDistance(TwoScales()), pictures
    assert distance(one, one) == 0 < distance(one, other)
    torch.testing.assert_close(distance(one, other), distance(other, one))


def test_places_count_by_their_weight(pictures) -> None:
    distance, (one, other) = PerceptualDistance(TwoScales()), pictures
    torch.testing.assert_close(distance(one, other, torch.ones(2, 1, 16, 16)), distance(one, other))
    mixed = one.clone()
    mixed[..., 8:] = other[..., 8:]
    left = torch.zeros(2, 1, 16, 16)
    left[..., :6] = 1  # features look a few pixels around
    assert distance(mixed, one, left) == 0
    assert distance(mixed, one, 1 - left) > 0
    assert distance(one, other, 0 * left) == 0


def test_pictures_learn_and_features_do_not(pictures) -> None:
    distance, (one, other) = PerceptualDistance(TwoScales()), pictures
    one.requires_grad_()
    distance(one, other).backward()
    assert one.grad is not None and one.grad.abs().max() > 0
    assert not any(p.requires_grad for p in distance.parameters()) and not distance.features.training


def test_without_the_extra_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[perceptual\]'"):
        load_perceptual_distance()


def test_blur_looks_worse_than_other_light_of_the_same_error() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    face = astronaut()[40:168, 160:288].astype(np.float32)
    change = cv2.GaussianBlur(face, (0, 0), 3) - face
    lift = np.full_like(face, np.sqrt((change**2).mean()))

    def tensor(picture: np.ndarray) -> Tensor:
        return torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1

    distance, real = load_perceptual_distance(), tensor(face)
    with torch.no_grad():
        blurred, lifted = distance(tensor(face + change), real), distance(tensor(face + lift), real)
    assert blurred > 2 * lifted
