"""Where a network is."""

from __future__ import annotations

import pytest
import torch

from facediff.models.codec import FaceCodec
from facediff.models.placement import find_placement, move_to


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_is_where_diffusers_says(dtype):
    codec = FaceCodec(fine_channels=8, coarse_channels=8).to(dtype)
    assert find_placement(codec) == (codec.device, codec.dtype) == (torch.device("cpu"), dtype)
    assert move_to(codec, torch.zeros(2, dtype=torch.float64)).dtype == dtype


def test_what_is_stored_in_another_type_than_it_computes_in_is_left_to_diffusers():
    codec = FaceCodec(fine_channels=8, coarse_channels=8)
    codec.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.bfloat16)
    assert next(codec.parameters()).dtype == torch.float8_e4m3fn
    assert find_placement(codec) == (codec.device, codec.dtype)


def test_beside_an_accelerator_it_is_left_to_diffusers(monkeypatch):
    codec = FaceCodec(fine_channels=8, coarse_channels=8)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(FaceCodec, "device", torch.device("meta"))
    assert find_placement(codec)[0] == torch.device("meta")
