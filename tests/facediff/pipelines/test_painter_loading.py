"""A Stable Diffusion as a hub has it, tiny, opened as a painter of clips."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from facediff.errors import WeightsError
from facediff.models.inflation import InflatedUNet, inflate
from facediff.pipelines.painter_loading import hash_painter, load_painter
from tests.facediff.pipelines import picture_models as tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tiny.save_stable_diffusion(tmp_path_factory.mktemp("sd"))
    tiny.control(tiny.unet()).save_pretrained(made.with_name("depth"))
    return made


def test_a_folder_opens_as_a_painter(folder) -> None:
    plain, led = load_painter(folder, device="cpu"), load_painter(folder, controlnet=folder.with_name("depth"))
    assert not plain.sees_structure and led.sees_structure
    assert plain.fit_size((1920, 1080), 64) == (64, 36) and plain.fit_size((10, 1000), 64) == (4, 64)
    assert not plain.scheduler.config["clip_sample"]
    assert len({hash_painter(plain), hash_painter(led), hash_painter(load_painter(folder, device="cpu"))}) == 2


def test_what_was_tuned_goes_into_the_model_that_it_was_tuned_in(folder, tmp_path) -> None:
    clips = inflate(tiny.unet(), "tune-a-video")
    with torch.no_grad():
        clips.base.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight.add_(1)
    clips.half().save_pretrained(tmp_path / "tuned")
    opened = load_painter(folder, tuned=tmp_path / "tuned", device="cpu")
    assert isinstance(opened.unet, InflatedUNet)
    moved = opened.unet.base.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight
    plain = load_painter(folder, device="cpu").unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight
    torch.testing.assert_close(moved.float(), plain.float() + 1, rtol=0, atol=0.01)
    inflate(tiny.unet(seed=9), "tune-a-video").save_pretrained(tmp_path / "other")
    with pytest.raises(WeightsError, match="made for a network of other weights"):
        load_painter(folder, tuned=tmp_path / "other", device="cpu")


def test_what_is_not_there_is_named(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "empty").mkdir()
    for attempt in (
        lambda: load_painter(tmp_path / "empty", device="cpu"),
        lambda: load_painter(folder, controlnet=tmp_path / "empty", device="cpu"),
        lambda: load_painter("nobody/nothing", device="cpu"),
    ):
        with pytest.raises(WeightsError, match="cannot be loaded: give a folder as diffusers writes it"):
            attempt()
    with pytest.raises(WeightsError, match="there is no folder .*none"):
        load_painter(folder, tuned=tmp_path / "none", device="cpu")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return tiny.save_image_adapter(tmp_path_factory.mktemp("adapter"))


@pytest.mark.parametrize("within", ["", "models", "models/ip-adapter_sd15.safetensors"])
def test_an_ip_adapter_is_found_by_its_folder_or_its_file(folder, adapter, within) -> None:
    plain, opened = load_painter(folder, device="cpu"), load_painter(folder, image_adapter=adapter / within)
    seen = opened.encode_picture(np.full((20, 30, 3), 99, np.uint8))
    assert seen.shape == (1, 1, tiny.SEEN) and hash_painter(plain) != hash_painter(opened)


@torch.no_grad()
def test_an_ip_adapter_goes_into_a_tuned_painter_and_leaves_its_frames_looking_at_others(
    folder, adapter, tmp_path
) -> None:
    inflate(tiny.unet(), "tune-a-video").save_pretrained(tmp_path / "tuned")
    plain, seeing = (
        load_painter(folder, tuned=tmp_path / "tuned", image_adapter=given, like_strength=0.0, device="cpu")
        for given in (None, adapter)
    )
    assert isinstance(seeing.unet, InflatedUNet)
    x, tokens = torch.randn(3, tiny.CHANNELS, 8, 8), torch.randn(1, 2, tiny.DIM)
    cond = seeing.tell(tokens, None, like=seeing.encode_picture(np.zeros((16, 16, 3), np.uint8)))
    one, other = (painter.predict(x, torch.tensor(500), cond) for painter in (plain, seeing))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)  # of no strength it changes nothing
    strong = load_painter(folder, tuned=tmp_path / "tuned", image_adapter=adapter, device="cpu")
    assert (strong.predict(x, torch.tensor(500), cond) - one).abs().max() > 1e-3


def test_an_ip_adapter_that_cannot_be_used_is_named(folder, adapter, tmp_path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(WeightsError, match="there is no IP-Adapter in .*none"):
        load_painter(folder, image_adapter=tmp_path / "none", device="cpu")
    for name in ("one", "two"):
        shutil.copy(adapter / "models" / "ip-adapter_sd15.safetensors", tmp_path / "none" / f"{name}.safetensors")
    with pytest.raises(WeightsError, match="several IP-Adapters; give the file of one, as one.safetensors"):
        load_painter(folder, image_adapter=tmp_path / "none", device="cpu")
    with pytest.raises(WeightsError, match="IP-Adapter .* cannot be loaded"):  # no image encoder
        load_painter(folder, image_adapter=tmp_path / "none" / "one.safetensors", device="cpu")
    other = shutil.copytree(adapter, tmp_path / "other") / "models" / "ip-adapter_sd15.safetensors"
    save_file({name: one[:4].clone() for name, one in load_file(other).items()}, other)
    with pytest.raises(WeightsError, match="cannot be loaded: Error.* in loading state_dict for IPAdapter"):
        load_painter(folder, image_adapter=other, device="cpu")
