"""What is opened for rendering does what diffusers' pipelines do, and leaves to them what it cannot."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from facediff.backends.ranges import LAYERS, read_ranges
from facediff.errors import WeightsError
from facediff.models.network import Network
from facediff.pipelines import loading, rendering_models
from facediff.system.weights import CHECKPOINTS
from facediff.tasks import model_cache


@pytest.mark.parametrize(("dtype", "off"), [(torch.float32, 0.0), (torch.bfloat16, 0.05)])
def test_motion_and_latents_are_those_of_diffusers_pipelines(dtype, off, monkeypatch) -> None:
    """In bfloat16 but for the last bits of group norms; see ``facediff.models.norms``."""
    for opening in (loading, rendering_models):
        monkeypatch.setattr(opening, "choose_dtype", lambda device: dtype)
    wanted, made = loading.load_talk("base", "cpu"), rendering_models.open_talk("base", "cpu")
    assert made is not None
    wave = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    np.testing.assert_array_equal(made[0](wave, seed=3), wanted[0](wave, seed=3))
    windows = torch.rand(2, 3, 64, 80) * 2 - 1
    told = (windows, windows, torch.ones(2, 1, 64, 80), torch.rand(2, 2, 32, 40), torch.randn(2, 478, 3))
    heard = torch.randn(2, made[1].conditioner.config["audio_columns"], made[1].conditioner.config["feature_dim"])
    drawn = [
        painting(
            painting.condition(*told, torch.eye(3).expand(2, 3, 3), heard)[0], painting.noise((80, 64), 5),
            num_inference_steps=2,
        )
        for _, painting in (wanted, made)
    ]  # fmt: skip
    for one, other in zip(*drawn, strict=True):
        assert (one - other).float().square().mean().sqrt() <= off * one.float().std()


def test_what_is_opened_is_no_pipeline_of_diffusers_and_ready_to_run() -> None:
    refining = rendering_models.open_refiner("base", "cpu")
    assert refining is not None and not isinstance(refining, DiffusionPipeline)
    parts = (refining.unet, refining.codec, refining.conditioner, rendering_models.open_mouth_refiner("base", "cpu"))
    assert all(isinstance(part, Network) and not part.training for part in parts)


@pytest.mark.parametrize(
    ("open_it", "component"),
    [(rendering_models.open_refiner, "fadm"), (lambda *model: rendering_models.open_talk(*model)[1], "difftalk")],
)
def test_ranges_of_whole_numbers_are_those_of_diffusers_network_with_the_same_weights(open_it, component) -> None:
    folder, opened = CHECKPOINTS / "base" / component / "unet", open_it("base", "cpu")
    ranges = read_ranges(folder / "ranges.json", opened.unet)
    layers = {name for name, layer in opened.unet.named_modules() if isinstance(layer, LAYERS)}
    assert ranges and set(ranges) == layers
    for half in ("encoder", "decoder"):
        assert read_ranges(CHECKPOINTS / "base" / "codec" / f"{half}-ranges.json", getattr(opened.codec, half))


def test_another_scheduler_or_denoiser_is_left_to_diffusers(tmp_path) -> None:
    assert rendering_models.open_talk("base", "cpu", "euler") is None
    assert rendering_models.open_refiner("base", "cpu", "dpm++") is None
    assert isinstance(model_cache.load_refiner("base", "cpu", "dpm++"), DiffusionPipeline)
    shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")
    file = tmp_path / "mine" / "fadm" / "unet" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "resnet_time_scale_shift": "scale_shift"}))
    assert rendering_models.open_refiner(tmp_path / "mine", "cpu") is None
    file = tmp_path / "mine" / "difftalk" / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "clip_sample": True}))
    assert rendering_models.open_talk(tmp_path / "mine", "cpu") is None


def test_what_is_missing_or_wrong_is_named(tmp_path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(CHECKPOINTS / "base", mine)
    (mine / "codec" / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        rendering_models.open_talk(mine, "cpu")
    (mine / "codec" / "config.json").write_text(json.dumps({"fine_channels": 32}))
    with pytest.raises(WeightsError, match="not those of a FaceCodecNetwork of this version, whose layers have other"):
        rendering_models.open_refiner(mine, "cpu")
    shutil.rmtree(mine / "codec")
    with pytest.raises(WeightsError, match="has no codec"):
        rendering_models.open_talk(mine, "cpu")


def test_a_folder_trained_without_takes_the_embedded_filler_and_mouths(tmp_path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(CHECKPOINTS / "base" / "codec", mine / "codec")
    assert rendering_models.open_filler(mine) is not None
    assert rendering_models.open_mouth_refiner(mine, "cpu").config["blocks"] == [1, 2, 4]


def test_opening_them_loads_neither_diffusers_nor_the_compiler() -> None:
    """What torch makes on no device may go through its Python, which loads its compiler and sympy with it."""
    heavy = ("diffusers", "transformers", "accelerate", "torch._dynamo", "sympy", "peft", "scipy.stats", "scipy.fft")
    code = f"""
import sys
from facediff.tasks import model_cache
model_cache.load_talk("base", "cpu", None), model_cache.load_refiner("base", "cpu", None)
model_cache.load_mouth_refiner("base", "cpu"), model_cache.load_filler("base")
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
