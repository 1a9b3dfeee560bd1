"""Networks whose layers are rounded."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from facediff.backends.ranges import read_ranges, record_ranges, round_layers, write_ranges


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 4, 1), nn.Flatten(), nn.Linear(256, 5))


@pytest.fixture
def seen() -> torch.Tensor:
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_the_ends_of_all_calls_are_recorded_and_zero_lies_between(network, seen) -> None:
    with record_ranges(network) as ends:
        network(seen)
        network(2 * seen.abs())
    assert ends["0"] == (float(seen.min()), float(2 * seen.abs().max()))
    assert set(ends) == {"0", "2", "4"}
    assert ends["2"][0] <= 0 <= ends["2"][1]
    network(100 * seen)
    assert ends["0"][1] == float(2 * seen.abs().max())  # nothing is recorded afterwards


def test_rounded_layers_give_nearly_what_they_gave(network, seen) -> None:
    with record_ranges(network) as ends, torch.no_grad():
        wanted = network(seen)
    with torch.no_grad():
        made = round_layers(copy.deepcopy(network), ends)(seen)
        halved = round_layers(copy.deepcopy(network), {**ends, "0": (0.0, 0.1)})(seen)
    off = (made - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()
    assert 0 < off < 0.03
    assert (halved - wanted).abs().max() > 10 * (made - wanted).abs().max()


def test_layers_without_ends_stay(network, seen) -> None:
    with torch.no_grad():
        torch.testing.assert_close(round_layers(copy.deepcopy(network), {})(seen), network(seen), rtol=0, atol=0)


def test_ranges_are_read_for_the_weights_that_they_were_measured_of(network, seen, tmp_path) -> None:
    file = tmp_path / "ranges.json"
    assert read_ranges(file, network) is None
    with record_ranges(network) as ends:
        network(seen)
    write_ranges(file, network, ends)
    read = read_ranges(file, network)
    assert read is not None and read["4"] == pytest.approx(ends["4"], rel=1e-3)
    with torch.no_grad():
        network[0].bias += 1
    assert read_ranges(file, network) is None
    file.write_text("[]")
    assert read_ranges(file, network) is None
