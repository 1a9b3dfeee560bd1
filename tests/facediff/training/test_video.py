"""Temporal layers, trained for two steps on a clip that speaks and one without a sound, and then painted with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.errors import ConfigError, WeightsError
from facediff.models.inflation import InflatedUNet
from facediff.pipelines.domains import read_card
from facediff.pipelines.loading import load_domain_talk
from facediff.tasks.model_choice import ModelChoice
from facediff.training.loop import LoopConfig
from facediff.training.video import run_video

pytestmark = pytest.mark.usefixtures("one_thread")
LAYERS = ("vdm", "latent-shift", "align-your-latents")


@pytest.fixture(scope="module")
def trained(table, tiny_model, tmp_path_factory) -> Path:
    """A folder with a model for each kind of layers."""
    folder = tmp_path_factory.mktemp("video")
    for layers in LAYERS:
        shutil.copytree(tiny_model, folder / layers)
        run_video(table / "clips.csv", table / "cache", folder / layers, config(folder, 2), layers=layers)
    return folder


def config(folder: Path, steps: int) -> LoopConfig:
    return LoopConfig(output=folder / "run", steps=steps, learning_rate=0.05, warmup=1, mixed_precision="no")


def test_temporal_layers_learn_and_the_denoiser_is_left_alone(trained, tiny_model) -> None:
    model = trained / "vdm"
    (file,) = (model / "video").rglob("*.safetensors")
    learnt = load_file(file)
    assert any(weight.any() for name, weight in learnt.items() if "to_out" in name)  # they began at zero
    for own in (model / "difftalk").rglob("*.safetensors"):
        assert own.read_bytes() == (tiny_model / own.relative_to(model)).read_bytes()
    card = read_card(model / "video")
    assert (card.method, card.name, card.clips, card.steps) == ("video", "video, vdm", 2, 2) and card.seconds > 2


@pytest.mark.parametrize("layers", LAYERS)
def test_what_it_writes_is_what_paints_and_frames_are_one_clip(trained, layers) -> None:
    _, painting = load_domain_talk(trained / layers, trained / layers / "video", "cpu")
    assert isinstance(painting.unet, InflatedUNet)
    painting.to(torch.float32)
    g = torch.Generator().manual_seed(0)
    frames, conditioner = 4, painting.conditioner
    assert isinstance(conditioner, DiffTalkConditioner)
    cond = painting.condition(
        torch.rand(frames, 3, 128, 160, generator=g), torch.rand(frames, 3, 128, 160, generator=g),
        torch.ones(frames, 1, 128, 160), torch.rand(frames, 2, 64, 80, generator=g),
        torch.randn(frames, 478, 3, generator=g), torch.eye(3).expand(frames, 3, 3), None,
    )[0]  # fmt: skip
    noise = painting.noise((160, 128), 0)
    whole, part = (painting(c, noise, num_inference_steps=1, decode=False).latents for c in (cond, cond[:2]))
    assert whole.isfinite().all() and (whole[:2] - part).abs().max() > 1e-5


def test_it_is_for_the_model_that_it_was_trained_in(trained, tiny_model) -> None:
    with pytest.raises(WeightsError, match="was trained for another model than base"):
        load_domain_talk("base", trained / "vdm" / "video", "cpu")
    choice = ModelChoice(str(trained / "vdm"), "cpu", domain=trained / "vdm" / "video", prior_strength=0.5)
    with pytest.raises(ConfigError, match="it takes no prior and no text"):
        choice.load_talk()


def test_a_run_that_goes_on_takes_the_place_of_what_it_had_saved(trained, table) -> None:
    model = trained / "vdm"
    before = (model / "video" / "video" / "diffusion_pytorch_model.safetensors").read_bytes()
    run_video(table / "clips.csv", table / "cache", model, config(trained, 3))
    assert read_card(model / "video").steps == 3
    assert (model / "video" / "video" / "diffusion_pytorch_model.safetensors").read_bytes() != before


def test_layers_that_there_are_not_are_refused_before_anything_is_read(tmp_path) -> None:
    with pytest.raises(ConfigError, match="inflated by one of vdm, .*, not 'gan'"):
        run_video(tmp_path / "none.csv", tmp_path, tmp_path, config(tmp_path, 1), layers="gan")
