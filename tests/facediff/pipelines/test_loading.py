import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import UNet3DConditionModel, UniPCMultistepScheduler, WanTransformer3DModel
from safetensors.torch import load_file, save_file

from facediff.errors import ConfigError, MissingExtra, WeightsError
from facediff.models.space_time import small_space_time
from facediff.pipelines import loading
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.domains import base_hash
from facediff.pipelines.loading import load_animate, load_domain_talk, load_prior, load_talk
from facediff.pipelines.video_adapter import Mix
from facediff.system.weights import CHECKPOINTS


def test_the_embedded_model_is_ready_to_run() -> None:
    motion, painting = load_talk("base", "cpu")
    assert not any(part.training for part in (motion.denoiser, painting.unet, painting.codec, painting.conditioner))
    assert painting.scheduler.config["timestep_spacing"] == "trailing"  # few steps must begin where all is noise


def test_the_embedded_refiner_is_ready_to_run_and_hears_of_schedulers(tmp_path) -> None:
    refining = load_animate("base", "cpu", scheduler="dpm++")
    assert not any(part.training for part in (refining.unet, refining.codec, refining.conditioner))
    assert type(refining.scheduler).__name__ == "DPMSolverMultistepScheduler"
    shutil.copytree(CHECKPOINTS / "base" / "codec", tmp_path / "codec")
    with pytest.raises(WeightsError, match="has no fadm"):
        load_animate(tmp_path, "cpu")


def test_a_folder_laid_out_like_it_will_do(tmp_path) -> None:
    shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")
    _, painting = load_talk(tmp_path / "mine", "cpu", scheduler="dpm++")
    assert type(painting.scheduler).__name__ == "DPMSolverMultistepScheduler"
    own = json.loads((CHECKPOINTS / "base" / "difftalk" / "scheduler" / "scheduler_config.json").read_text())
    assert painting.scheduler.config["prediction_type"] == own["prediction_type"]


def test_what_is_missing_or_wrong_is_named(tmp_path) -> None:
    shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")
    (tmp_path / "mine" / "codec" / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_talk(tmp_path / "mine", "cpu")
    shutil.rmtree(tmp_path / "mine" / "codec")
    with pytest.raises(WeightsError, match="has no codec"):
        load_talk(tmp_path / "mine", "cpu")
    with pytest.raises(ConfigError, match="no scheduler 'magic'"):
        load_talk("base", "cpu", scheduler="magic")


def test_the_embedded_prior_is_ready_to_run_and_has_learnt() -> None:
    _, painting = load_talk("base", "cpu")
    prior, words = load_prior("base", painting)
    assert not prior.training and not words.training
    assert prior.mid_block.motion_modules[0].proj_out.weight.any()
    assert words.find_known("an old man and a young woman") == ["old", "man", "young", "woman"]


def changed_model(tiny_model: Path, folder: Path, part: str) -> Path:
    """A copy of a model whose part has other weights."""
    shutil.copytree(tiny_model, folder)
    (file,) = (folder / part).glob("*.safetensors")
    save_file({name: weight + 0.02 for name, weight in load_file(file).items()}, file, {"format": "pt"})
    return folder


def test_a_prior_is_the_denoiser_with_what_it_learnt_of_time_and_words(tiny_model) -> None:
    _, painting = load_talk(tiny_model, "cpu")
    painting.to(torch.float32)
    prior, words = load_prior(tiny_model, painting)
    assert not prior.training and words.find_known("a young man") == ["man"] and words(words.bag(["man"])).any()
    for unlearnt in (False, True):
        if unlearnt:
            torch.nn.init.zeros_(prior.mid_block.motion_modules[0].proj_out.weight)
        frames, tokens = torch.randn(4, 4 * 3 + 33, 16, 20), torch.randn(4, 9, 128)
        with torch.no_grad():
            alone = painting.unet(frames, 300, tokens).sample
            clip = prior(frames.transpose(0, 1)[None], 300, tokens).sample[0].transpose(0, 1)
        assert torch.allclose(alone, clip, rtol=1e-4, atol=1e-5) == unlearnt


def test_a_prior_that_is_missing_or_damaged_is_named(tiny_model, tmp_path) -> None:
    _, painting = load_talk(tiny_model, "cpu")
    mine = tmp_path / "mine"
    shutil.copytree(tiny_model, mine)
    (mine / "prior" / "captions" / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_prior(mine, painting)
    shutil.rmtree(mine / "prior")
    with pytest.raises(WeightsError, match="has no prior"):
        load_prior(mine, painting)


def test_a_domain_is_composed_with_the_prior_at_its_best_strength(adapted, tiny_model) -> None:
    motion, painting = load_domain_talk(tiny_model, adapted.folder, "cpu", scheduler="dpm++")
    assert isinstance(painting, AdaptedTalkPipeline) and motion.denoiser is not None
    assert painting.mix.strength == adapted.card.prior_strength and painting.caption == ""
    assert type(painting.scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert not any(part.training for part in (painting.small, painting.unet, painting.codec, painting.conditioner))
    assert painting.captions.find_known("a woman, old") == ["a", "woman"]
    assert painting.prior_captions.find_known("a woman, old") == ["woman", "old"]


@pytest.mark.parametrize("part", ["codec", "difftalk/conditioner"])
def test_a_domain_of_another_base_is_refused(part, adapted, tiny_model, tmp_path) -> None:
    other = changed_model(tiny_model, tmp_path / "other", part)
    with pytest.raises(WeightsError, match=f"anna was trained for another model than {other}"):
        load_domain_talk(other, adapted.folder, "cpu")
    with pytest.raises(ConfigError, match=f"anna and the prior {other} have other codecs or encoders"):
        load_domain_talk(tiny_model, adapted.folder, "cpu", prior=other)
    with pytest.raises(WeightsError, match="trained for another model than base"):
        load_domain_talk("base", adapted.folder, "cpu")


def test_another_denoiser_may_be_the_prior(adapted, tiny_model, tmp_path) -> None:
    other = changed_model(tiny_model, tmp_path / "other", "difftalk/unet")
    _, own = load_domain_talk(tiny_model, adapted.folder, "cpu")
    _, mixed = load_domain_talk(tiny_model, adapted.folder, "cpu", prior=other)
    weights = [pipeline.unet.conv_out.weight for pipeline in (own, mixed)]
    torch.testing.assert_close(weights[1], weights[0] + 0.02, rtol=0, atol=1e-3)
    torch.testing.assert_close(mixed.small.conv_out.weight, own.small.conv_out.weight)


def text_to_video(**changes) -> UNet3DConditionModel:
    config = {
        "in_channels": 4 * 3 + 33, "out_channels": 4, "block_out_channels": (8, 8), "layers_per_block": 1,
        "norm_num_groups": 4, "cross_attention_dim": 128, "attention_head_dim": 4,
        "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
        "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
    }  # fmt: skip
    return UNet3DConditionModel(**{**config, **changes})


def wan() -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4 * 3 + 33, out_channels=4,
        text_dim=128, freq_dim=16, ffn_dim=16, num_layers=1, rope_max_seq_len=32,
    )  # fmt: skip


def with_prior(tiny_model: Path, folder: Path, network: torch.nn.Module, scheduler=None) -> Path:
    """A copy of a model whose prior is another network, without words."""
    shutil.copytree(tiny_model, folder)
    shutil.rmtree(folder / "prior")
    network.save_pretrained(folder / "prior" / "unet")
    if scheduler is not None:
        scheduler.save_pretrained(folder / "prior" / "scheduler")
    return folder


@pytest.mark.parametrize("kind", ["animatediff", "text-to-video", "wan"])
def test_a_prior_may_be_of_a_class_that_a_hub_has(kind, adapted, tiny_model, tmp_path) -> None:
    torch.manual_seed(0)
    made = {"animatediff": lambda: small_space_time(4, 8 + 33), "text-to-video": text_to_video, "wan": wan}[kind]()
    flow = UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    mine = with_prior(tiny_model, tmp_path / "mine", made, flow if kind == "wan" else None)
    _, painting = load_domain_talk(tiny_model, adapted.folder, "cpu", prior=mine)
    painting.to(torch.float32)
    assert type(painting.unet) is type(made) and not painting.prior_captions.config["vocabulary"]
    g = torch.Generator().manual_seed(0)
    cond = painting.condition(
        torch.rand(3, 3, 128, 160, generator=g), torch.rand(3, 3, 128, 160, generator=g), torch.ones(3, 1, 128, 160),
        torch.rand(3, 2, 64, 80, generator=g), torch.randn(3, 478, 3, generator=g), torch.eye(3).expand(3, 3, 3),
        torch.randn(3, 32, 80, generator=g),
    )[0]  # fmt: skip
    noise = painting.noise((160, 128), 0)
    mixed, small = (
        painting.with_mix(Mix(strength=strength))(cond, noise, num_inference_steps=1, decode=False).latents
        for strength in (0.5, 0.0)
    )
    assert mixed.isfinite().all() and (mixed - small).abs().max() > 1e-3


def test_a_prior_that_was_not_trained_on_mouths_is_refused(tiny_model, tmp_path) -> None:
    _, painting = load_talk(tiny_model, "cpu")
    other = with_prior(tiny_model, tmp_path / "other", text_to_video(in_channels=4))
    with pytest.raises(ConfigError, match="4 channels in, 4 out and tokens of 128, and mouths 45 channels in"):
        load_prior(other, painting)
    config = other / "prior" / "unet" / "config.json"
    config.write_text(config.read_text().replace("UNet3DConditionModel", "UNet2DModel"))
    with pytest.raises(ConfigError, match="one of UNetMotionModel, UNet3DConditionModel, .*, not 'UNet2DModel'"):
        load_prior(other, painting)


def test_a_damaged_domain_is_named(adapted, tiny_model, tmp_path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(adapted.folder, mine)
    (mine / "small" / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_domain_talk(tiny_model, mine, "cpu")
    shutil.rmtree(mine / "small")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_domain_talk(tiny_model, mine, "cpu")


def test_without_peft_a_domain_of_low_rank_says_what_to_install(adapted, tiny_model, tmp_path, monkeypatch) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    told = json.loads((adapted.folder / "domain.json").read_text())
    (mine / "domain.json").write_text(
        json.dumps({**told, "method": "lora", "base_sha256": base_hash(tiny_model, "lora")})
    )
    monkeypatch.setattr(loading, "is_peft_available", lambda: False)
    with pytest.raises(MissingExtra, match=r"peft: pip install 'facediff\[lora\]'"):
        load_domain_talk(tiny_model, mine, "cpu")


@pytest.mark.parametrize("damage", ["none", "half", "other"])
def test_low_rank_changes_that_are_missing_or_damaged_are_named(damage, adapted, tiny_model, tmp_path) -> None:
    pytest.importorskip("peft")
    mine = tmp_path / "mine"
    (mine / "lora").mkdir(parents=True)
    told = json.loads((adapted.folder / "domain.json").read_text())
    (mine / "domain.json").write_text(
        json.dumps({**told, "method": "lora", "base_sha256": base_hash(tiny_model, "lora")})
    )
    file = mine / "lora" / "pytorch_lora_weights.safetensors"
    if damage == "half":
        file.write_bytes(b"half of it")
    if damage == "other":
        save_file({"of.another.network": torch.zeros(3)}, file, {"format": "pt"})
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_domain_talk(tiny_model, mine, "cpu")


def test_a_folder_without_a_super_resolver_takes_the_embedded_one(tmp_path) -> None:
    shutil.copytree(CHECKPOINTS / "base" / "codec", tmp_path / "mine" / "codec")
    borrowed, own = (loading.load_super_resolver(model, "cpu") for model in (tmp_path / "mine", "base"))
    torch.testing.assert_close(borrowed.leave.weight, own.leave.weight)
    with pytest.raises(WeightsError, match="there is no model"):
        loading.load_super_resolver(tmp_path / "none", "cpu")
