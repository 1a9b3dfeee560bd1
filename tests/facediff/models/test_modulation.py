"""Blocks that a noise level and a face modulate."""

from __future__ import annotations

import pytest
import torch

from facediff.models.modulation import DualModulationBlock, modulate


def block(**options) -> DualModulationBlock:
    torch.manual_seed(0)
    return DualModulationBlock(8, options.pop("out", 8), 6, 5, groups=4, **options)


def awake(one: DualModulationBlock) -> DualModulationBlock:
    """As after some training: a new block's last convolution is 0."""
    torch.nn.init.normal_(one.conv3.weight, std=0.1)
    return one


def given(**changes) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"x": torch.randn(2, 8, 8, 8), "time": torch.randn(2, 6), "face": torch.randn(2, 5), **changes}


def test_a_new_block_lets_everything_pass() -> None:
    torch.testing.assert_close(block()(**given()), given()["x"])


@pytest.mark.parametrize(("resample", "side"), [(None, 8), ("down", 4), ("up", 16)])
def test_resolution_and_channels_are_those_asked_for(resample, side) -> None:
    assert block(out=12, resample=resample)(**given()).shape == (2, 12, side, side)


@pytest.mark.parametrize("name", ["time", "face"])
def test_each_vector_tells_in_its_own_picture_alone(name) -> None:
    one = awake(block())
    changed = given()[name].clone()
    changed[1] += 1
    before, after = one(**given()), one(**given(**{name: changed}))
    torch.testing.assert_close(before[0], after[0])
    assert (before[1] - after[1]).abs().max() > 1e-3


def test_a_vector_of_nought_changes_nothing_and_its_halves_scale_and_shift() -> None:
    x = given()["x"]
    torch.testing.assert_close(modulate(x, torch.zeros(2, 16)), x)
    vector = torch.cat([torch.full((2, 8), 0.5), torch.full((2, 8), 3.0)], dim=1)
    torch.testing.assert_close(modulate(x, vector), 1.5 * x + 3)
