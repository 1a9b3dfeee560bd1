"""The device asked for, or the best there is; half precision only where it is fast."""

from __future__ import annotations

import pytest
import torch

from facediff.errors import ConfigError
from facediff.system.device import choose_device, choose_dtype


def test_a_named_device_is_taken():
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("cuda", "mps", "best"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_best_device_is_taken_by_default(monkeypatch, cuda, mps, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device().type == best


@pytest.mark.parametrize("name", ["toaster", "cpu:x", "", "xpu"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError, match="there is no device .* here; try 'cpu'"):
        choose_device(name)


@pytest.mark.parametrize(("fast", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_takes_bfloat16_only_where_it_has_instructions_for_it(monkeypatch, fast, dtype):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert choose_dtype(torch.device("cpu")) == dtype


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_takes_the_half_precision_it_has(monkeypatch, supported, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert choose_dtype(torch.device("cuda")) == dtype
