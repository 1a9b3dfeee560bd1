"""Modules that a back end runs, and what becomes of it where it cannot."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from facediff.backends.serving import copy_network, serve

X = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))


class Runner:
    """A back end that gives what a function makes of the truth; counts its calls."""

    def __init__(self, change) -> None:
        self.calls, self._change = 0, change

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self._change(nn.functional.linear(x, self.layer.weight, self.layer.bias))


def served(change) -> tuple[nn.Linear, Runner]:
    runner = Runner(change)
    runner.layer = nn.Linear(3, 4)
    serve(runner.layer, runner, name="denoiser", described=lambda: "Fastest 1.0")
    return runner.layer, runner


def test_a_back_end_that_is_right_is_asked() -> None:
    layer, runner = served(lambda truth: truth * 1.001)
    with torch.inference_mode():
        made = [layer(X) for _ in range(3)]
    assert runner.calls == 3
    torch.testing.assert_close(made[2], 1.001 * nn.functional.linear(X, layer.weight, layer.bias))


@pytest.mark.parametrize("wrong", [lambda truth: -truth, lambda truth: truth * torch.nan, lambda truth: 1 / 0])
def test_one_that_is_odd_or_fails_is_left_and_one_sentence_says_so(wrong, caplog) -> None:
    layer, runner = served(wrong)
    with torch.inference_mode(), caplog.at_level(logging.WARNING, "facediff"):
        for _ in range(3):
            torch.testing.assert_close(layer(X), nn.functional.linear(X, layer.weight, layer.bias))
    assert runner.calls == 1
    (said,) = caplog.messages
    assert said.startswith("Fastest 1.0 cannot run the denoiser here") and "torch does" in said


def test_whoever_learns_has_torch_itself() -> None:
    layer, runner = served(lambda truth: truth.detach())
    layer(X).sum().backward()
    assert runner.calls == 0 and layer.weight.grad is not None


def test_a_copy_is_torchs_and_has_weights_of_its_own() -> None:
    layer, runner = served(lambda truth: truth)
    copied = copy_network(layer)
    with torch.inference_mode():
        copied.weight += 1
        assert not torch.equal(copied(X), layer(X))
    assert runner.calls == 1
