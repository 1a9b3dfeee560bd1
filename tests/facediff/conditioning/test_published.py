"""The conditioners that diffusers knows have the weights and answers of the networks that they are of."""

from __future__ import annotations

import pytest
import torch
from diffusers import ModelMixin

from facediff.conditioning import difftalk, fadm, published
from facediff.models.checkpoints import open_network


@pytest.mark.parametrize(
    ("theirs", "ours", "part"),
    [
        (published.DiffTalkConditioner, difftalk.DiffTalkConditionerNetwork, "difftalk/conditioner"),
        (published.FADMConditioner, fadm.FADMConditionerNetwork, "fadm/conditioner"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_open_the_same_weights_and_buffers(theirs, ours, part, dtype) -> None:
    one, other = (open_network(kind, "base", part, dtype) for kind in (theirs, ours))
    assert isinstance(one, ModelMixin) and not isinstance(other, ModelMixin)
    for told in ("state_dict", "named_buffers"):
        left, right = (dict(getattr(network, told)()) for network in (one, other))
        assert left.keys() == right.keys()
        assert all(left[key].dtype == right[key].dtype and torch.equal(left[key], right[key]) for key in left)
    assert one.extra_channels == other.extra_channels


def test_their_old_homes_give_them_still() -> None:
    assert difftalk.DiffTalkConditioner is published.DiffTalkConditioner
    assert fadm.FADMConditioner is published.FADMConditioner
