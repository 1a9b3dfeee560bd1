"""The embedded networks, run by a back end."""

from __future__ import annotations

import pytest
import torch

from facediff.backends import choice, store
from facediff.backends.choice import openvino_version
from facediff.backends.serving import Served
from facediff.pipelines.loading import load_talk


def test_without_a_back_end_pipelines_are_torchs(monkeypatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, choice.TORCH)
    _, painting = load_talk(device="cpu", is_served=True)
    assert "forward" not in painting.unet.__dict__


@pytest.mark.skipif(openvino_version() is None, reason="OpenVINO is not installed")
@pytest.mark.parametrize(("backend", "most"), [(choice.OPENVINO_INT8, 0.03), (choice.OPENVINO, 0.01)])
@torch.inference_mode()
def test_denoiser_and_codec_give_nearly_what_torch_gives(monkeypatch, tmp_path, backend, most) -> None:
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv(choice.VARIABLE, backend)
    (_, torchs), (_, served) = load_talk(device="cpu"), load_talk(device="cpu", is_served=True)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, torchs.unet.config["in_channels"], 16, 20, generator=generator).to(torchs.unet.dtype)
    tokens = torch.randn(1, 20, 128, generator=generator).to(torchs.unet.dtype)
    for level in (999, 500):
        one, other = (p.unet(x, torch.tensor(level), tokens, return_dict=False)[0].float() for p in (torchs, served))
        assert 0 < (one - other).square().mean().sqrt() < most * one.square().mean().sqrt()
    latents = torchs.codec.encode(torch.full((1, 3, 128, 160), 0.1, dtype=torchs.codec.dtype))
    one, other = (p.codec.decode(latents).float() for p in (torchs, served))
    assert (one - other).abs().max() < 0.05
    assert isinstance(served.unet.forward, Served) and not served.unet.forward.has_failed
    assert "forward" not in torchs.unet.__dict__
