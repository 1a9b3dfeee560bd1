"""Models are found by name or by folder; what is missing or damaged is named."""

from __future__ import annotations

import shutil

import pytest

from facediff.errors import WeightsError
from facediff.system.weights import CHECKPOINTS, EMBEDDED, find_model_with, model_folder

PARTS = ("codec", "motion", "difftalk")


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")


@pytest.mark.parametrize("component", PARTS)
def test_embedded_model_has_its_parts_in_safetensors_only(component):
    folder = model_folder("base", component)
    kinds = {p.suffix for p in folder.rglob("*") if p.is_file()}
    assert kinds == {".json", ".safetensors"}
    assert max(p.stat().st_size for p in folder.rglob("*.safetensors")) < 15 * 2**20


def test_a_folder_is_as_good_as_a_name(copied):
    assert model_folder(copied, "codec") == copied / "codec"
    assert model_folder(str(copied), "codec") == copied / "codec"


@pytest.mark.parametrize("name", ["nope", "", "../base", "a/b"])
def test_unknown_models_are_named_with_the_known_ones(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"codec|there is no model .*: .*base"):
        model_folder(name, "codec")


@pytest.mark.parametrize("component", PARTS)
def test_a_missing_part_is_named(copied, component):
    for file in (copied / component).rglob("*.safetensors"):
        file.unlink()
    with pytest.raises(WeightsError, match=f"has no {component}"):
        model_folder(copied, component)


@pytest.mark.parametrize("part", ["codec", "motion/denoiser", "difftalk/unet", "difftalk/conditioner"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty", "pickle", "config"])
def test_damaged_weights_are_one_sentence(copied, part, damage):
    from facediff.pipelines.loading import load_talk

    weights = copied / part / "diffusion_pytorch_model.safetensors"
    if damage == "config":
        (copied / part / "config.json").write_text("{")
    elif damage == "pickle":
        weights.rename(weights.with_suffix(".bin"))
    else:
        data = weights.read_bytes()
        weights.write_bytes({"truncated": data[: len(data) // 2], "garbage": b"x" * 5000, "empty": b""}[damage])
    with pytest.raises(WeightsError) as raised:
        load_talk(copied, "cpu")
    assert "\n" not in str(raised.value)
    assert "mine" in str(raised.value)


def test_weights_of_another_shape_are_refused(copied):
    from facediff.pipelines.loading import load_talk

    shutil.copy(
        copied / "codec" / "diffusion_pytorch_model.safetensors",
        copied / "difftalk" / "unet" / "diffusion_pytorch_model.safetensors",
    )
    with pytest.raises(WeightsError, match="mine"):
        load_talk(copied, "cpu")


def test_what_a_model_was_trained_without_is_the_embedded_one_s(copied):
    assert find_model_with(copied, "strokes") == copied
    shutil.rmtree(copied / "strokes")
    assert find_model_with(copied, "strokes") == EMBEDDED and find_model_with(copied, "codec") == copied
    with pytest.raises(WeightsError, match="there is no model"):
        find_model_with(copied / "nowhere", "strokes")
