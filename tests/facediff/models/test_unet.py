"""The same weights in diffusers' class and in ours give the same, to the bit."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel

from facediff.backends.store import hash_weights
from facediff.models.unet import DenoiserUNet

SHAPES = {
    "as embedded": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (8, 16, 16), "attention_head_dim": [2, 4, 2],
    },
    "attends everywhere, two layers": {
        "down_block_types": ("CrossAttnDownBlock2D",) * 2, "up_block_types": ("CrossAttnUpBlock2D",) * 2,
        "block_out_channels": (8, 16), "attention_head_dim": 2, "layers_per_block": 2,
    },
}  # fmt: skip


def pair(name: str) -> tuple[UNet2DConditionModel, DenoiserUNet]:
    torch.manual_seed(0)
    told = {"layers_per_block": 1, **SHAPES[name]}
    theirs = UNet2DConditionModel(
        sample_size=8, in_channels=7, out_channels=3, norm_num_groups=4, cross_attention_dim=12, **told
    ).eval()
    assert DenoiserUNet.fits(theirs.config)
    ours = DenoiserUNet(
        in_channels=7, out_channels=3, norm_num_groups=4, cross_attention_dim=12, norm_eps=1e-5, **told
    ).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.mark.parametrize("size", [(8, 8), (6, 10), (7, 9)])
@pytest.mark.parametrize("name", SHAPES)
def test_what_it_predicts_is_what_diffusers_predicts(name, size) -> None:
    theirs, ours = pair(name)
    noisy, tokens = torch.randn(2, 7, *size), torch.randn(2, 5, 12)
    given = noisy.clone()
    for t in (999, torch.tensor(37), torch.tensor([3, 500])):
        with torch.no_grad():
            wanted = theirs(noisy, t, tokens, return_dict=False)[0]
            torch.testing.assert_close(ours(noisy, t, tokens)[0], wanted, atol=2e-6, rtol=1e-5)
        torch.testing.assert_close(ours(noisy, t, tokens)[0].detach(), wanted)
    assert torch.equal(noisy, given)  # nothing of the caller's is written to


def test_kept_things_of_the_weights_serve_both() -> None:
    theirs, ours = pair("as embedded")
    assert hash_weights(ours) == hash_weights(theirs)


@pytest.mark.parametrize(
    "changed",
    [
        {"act_fn": "gelu"}, {"use_linear_projection": True}, {"down_block_types": ["SimpleCrossAttnDownBlock2D"]},
        {"down_block_types": []}, {"layers_per_block": [1, 1, 2]}, {"resnet_time_scale_shift": "scale_shift"},
    ],
)  # fmt: skip
def test_what_it_is_not_made_for_is_told(changed) -> None:
    config = dict(pair("as embedded")[0].config)
    assert DenoiserUNet.fits(config) and not DenoiserUNet.fits({**config, **changed})


def test_it_gives_no_record() -> None:
    with pytest.raises(ValueError, match="return_dict=False"):
        pair("as embedded")[1](torch.zeros(1, 7, 8, 8), 1, torch.zeros(1, 2, 12), return_dict=True)
