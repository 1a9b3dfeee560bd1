import copy

import pytest
import torch
from torch import nn

from facediff.models.norms import GroupNorm


def layer(groups: int, channels: int, dtype: torch.dtype) -> GroupNorm:
    torch.manual_seed(0)
    made = GroupNorm(groups, channels)
    nn.init.normal_(made.weight)
    nn.init.normal_(made.bias)
    return made.to(dtype)


def plain(own: GroupNorm) -> nn.GroupNorm:
    made = nn.GroupNorm(own.num_groups, own.num_channels, own.eps).to(own.weight.dtype)
    made.load_state_dict(own.state_dict())
    return made


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("groups", "channels"), [(4, 28), (2, 16), (2, 32)])
def test_in_bfloat16_it_is_torchs_but_for_the_last_bit(groups, channels, order) -> None:
    own = layer(groups, channels, torch.bfloat16)
    x = (3 * torch.randn(2, channels, 6, 5) + 1).bfloat16().contiguous(memory_format=order)
    exact = plain(own).double()(x.double())
    with torch.inference_mode():
        made = own(x)
    assert made.dtype == torch.bfloat16 and made.is_contiguous(memory_format=order)
    torch.testing.assert_close(made.double(), exact, rtol=2**-8, atol=2**-9)


def test_elsewhere_it_is_torchs_to_the_bit() -> None:
    own, x = layer(4, 28, torch.float32), torch.randn(2, 28, 6, 5)
    with torch.inference_mode():
        assert torch.equal(own(x), plain(own)(x))
    own = own.bfloat16()
    assert torch.equal(own(x.bfloat16()), plain(own)(x.bfloat16()))


def test_it_learns() -> None:
    own, x = layer(4, 28, torch.bfloat16), torch.randn(2, 28, 6, 5).bfloat16()
    wanted = plain(copy.deepcopy(own))
    for one in (own, wanted):
        one(x).square().sum().backward()
    assert torch.equal(own.weight.grad, wanted.weight.grad)
