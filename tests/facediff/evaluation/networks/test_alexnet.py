from __future__ import annotations

import pytest
import torch

from facediff.errors import WeightsError
from facediff.evaluation.networks.alexnet import AlexTrunk, load_heads, load_trunk


def test_weights_are_those_of_torchvisions_names_and_a_classifier_behind_them_is_left_out(tmp_path) -> None:
    torch.manual_seed(0)
    state = AlexTrunk().state_dict()
    torch.save({**state, "classifier.1.weight": torch.zeros(2, 2)}, tmp_path / "alexnet.pth")
    trunk = load_trunk(str(tmp_path / "alexnet.pth"))
    assert torch.equal(trunk.features[3].weight, state["features.3.weight"])
    with torch.inference_mode():
        assert [layer.shape[1] for layer in trunk(torch.zeros(1, 3, 64, 64))] == [64, 192, 384, 256, 256]


def test_other_weights_are_refused(tmp_path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="other.pth is not AlexNet"):
        load_trunk(str(tmp_path / "other.pth"))


def test_heads_weigh_the_channels_of_each_layer() -> None:
    pytest.importorskip("torchmetrics")
    heads = load_heads()
    assert [len(head) for head in heads] == [64, 192, 384, 256, 256] and all((head >= 0).all() for head in heads)
