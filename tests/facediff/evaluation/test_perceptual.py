from __future__ import annotations

import numpy as np
import pytest
import torch

from facediff.evaluation.networks import alexnet
from facediff.evaluation.perceptual import perceptual_distance


def test_three_qualities_keep_their_order(figure) -> None:
    good, middling, bad = (figure("lpips_facediff", film) for film in ("soft", "softer", "softest"))
    assert 0.001 < good < middling < bad


def test_with_the_weights_of_lpips_it_is_lpips_on_random_convolutions(monkeypatch) -> None:
    """Of torchmetrics 1.9.0, whose trunk, which torchvision would bring, is given ours with random weights."""
    lpips = pytest.importorskip("torchmetrics.functional.image.lpips")
    torch.manual_seed(0)
    trunk = alexnet.AlexTrunk().eval()
    monkeypatch.setattr(lpips, "_get_tv_model_features", lambda *_: trunk.features)
    theirs = lpips._LPIPS(net="alex", pretrained=True, pnet_rand=True).eval()
    with torch.inference_mode():
        one, other = torch.rand(2, 2, 3, 96, 80) * 2 - 1
        found = perceptual_distance(trunk(one), trunk(other), alexnet.load_heads())
        np.testing.assert_allclose(found, theirs(one, other).flatten().numpy(), rtol=1e-4)


def test_a_layer_counts_by_direction_and_not_by_size() -> None:
    one, other = torch.rand(2, 3, 4, 5, 5) + 0.1
    apart = perceptual_distance([one], [other])
    np.testing.assert_allclose(perceptual_distance([2 * one], [other / 3]), apart, rtol=1e-5)
    assert (perceptual_distance([one], [one]) == 0).all()
