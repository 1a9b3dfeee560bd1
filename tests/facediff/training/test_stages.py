"""From a table of clips to a model that speaks: every stage, a step each, on a clip and two portraits of one person."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import Tensor, nn

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.datasets.recordings import read_recordings
from facediff.errors import InputError, WeightsError
from facediff.evaluation.sync import SyncScorer
from facediff.media import VideoWriter
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.pipelines import loading
from facediff.training import mouth_refining, stages
from facediff.training.adversary import Adversary
from facediff.training.looks import Looks
from facediff.training.loop import LoopConfig
from facediff.training.motion import MotionRecipe
from facediff.training.motion_recording import MotionRecording
from facediff.training.perceptual import PerceptualDistance
from tests.portraits import plain

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    wave = load_wave(HELLO)[: 16000 * 72 // 25]
    with VideoWriter(folder / "talk.mp4", (256, 256), Fraction(25), audio=wave) as writer:
        for frame in Avatar.from_image(plain(), device="cpu").talk(wave, paint=False):
            writer.write(frame)
    for name in ("one.png", "two.png"):
        Image.fromarray(plain()).save(folder / name)
    (folder / "clips.csv").write_text(
        "file,split,kind,identity,licence\n"
        "talk.mp4,train,av,her,CC0\n"
        "one.png,train,still,her again,CC0\n"
        "two.png,train,still,her again,CC0\n"
    )
    return folder


def config(folder: Path, stage: str, **changes) -> LoopConfig:
    return LoopConfig(output=folder / "runs" / stage, steps=1, mixed_precision="no", **changes)


@pytest.mark.slow
def test_all_stages_make_a_model_that_speaks(folder) -> None:
    catalog, cache, model = folder / "clips.csv", folder / "cache", folder / "model"
    stages.run_codec(catalog, cache, model, config(folder, "codec"))
    stages.run_motion(catalog, cache, model, config(folder, "motion"))
    stages.run_sync(catalog, cache, model, config(folder, "sync"))
    stages.run_filling(catalog, cache, model, config(folder, "filling"))
    stages.run_difftalk(catalog, cache, model, config(folder, "difftalk"), pairs=30)
    stages.run_fadm(catalog, cache, model, config(folder, "fadm"), pairs=30)
    weights = sorted(p.relative_to(model).parts[0] for p in model.rglob("*.safetensors"))
    assert weights == ["codec", "difftalk", "difftalk", "fadm", "fadm", "filling", "motion", "sync"]
    clip = Avatar.from_image(plain(), model=str(model), device="cpu").talk(np.zeros(3200, np.float32), steps=1)
    assert len(list(clip)) == 5
    moved = Avatar.from_image(plain(), model=str(model), device="cpu").animate(folder / "talk.mp4", steps=1)
    assert next(iter(moved)).shape == plain().shape
    assert SyncScorer(model).video(folder / "talk.mp4").curve.shape == (31,)


def test_looks_teach_what_was_there_to_start_from(folder, tmp_path, monkeypatch) -> None:
    """Features of a network that has seen nothing serve as well for a step."""
    unseen = PerceptualDistance(PooledPictures())
    monkeypatch.setattr(stages, "load_looks", lambda warmup: Looks(unseen, Adversary(warmup=warmup, width=8)))
    catalog, cache = folder / "clips.csv", folder / "cache"
    stages.run_codec(catalog, cache, tmp_path, config(tmp_path, "codec", warmup=0), perceptual=True, start="base")
    stages.run_difftalk(
        catalog, cache, tmp_path, config(tmp_path, "difftalk", warmup=0), pairs=20, perceptual=True, start="base"
    )
    was, now = (open_network(FaceCodec, model, "codec") for model in ("base", tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(was.encoder.parameters(), now.encoder.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(was.decoder.parameters(), now.decoder.parameters(), strict=True))
    names = ("base", tmp_path)
    was, now = (open_network(UNet2DConditionModel, model, "difftalk/unet").conv_out.weight for model in names)
    torch.testing.assert_close(now, was, atol=3e-3, rtol=0)  # a step of the learning rate from where it started
    assert not torch.equal(now, was)


@pytest.mark.slow
def test_mouths_are_refined_by_what_was_learnt_of_the_model_s_own(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mouth_refining, "load_perceptual_distance", lambda: PerceptualDistance(PooledPictures()))
    run = config(tmp_path, "mouth", warmup=0)
    mouth_refining.run_mouth(folder / "clips.csv", folder / "cache", tmp_path / "model", run, pairs=12)
    made = loading.load_mouth_refiner(tmp_path / "model", "cpu")
    assert made.leave.weight.abs().max() > 0  # it has begun to learn
    embedded = loading.load_mouth_refiner("base", "cpu")
    assert not torch.equal(made.leave.weight, embedded.leave.weight)
    (tmp_path / "other" / "codec").mkdir(parents=True)
    (tmp_path / "other" / "codec" / "any.safetensors").touch()  # a model without a refiner takes the embedded one
    assert torch.equal(loading.load_mouth_refiner(tmp_path / "other", "cpu").leave.weight, embedded.leave.weight)
    with pytest.raises(WeightsError, match="there is no model"):
        loading.load_mouth_refiner(tmp_path / "nowhere", "cpu")


class PooledPictures(nn.Module):
    """Maps at strides 2 and 4."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [nn.functional.avg_pool2d(images, stride) + 2 for stride in (2, 4)]


def test_what_is_missing_is_named(folder, tmp_path) -> None:
    with pytest.raises(WeightsError, match="no codec in .*: run 'facediff train codec'"):
        stages.run_difftalk(folder / "clips.csv", tmp_path, tmp_path, config(tmp_path, "difftalk"))
    with pytest.raises(WeightsError, match="no codec in .*: run 'facediff train codec'"):
        stages.run_fadm(folder / "clips.csv", tmp_path, tmp_path, config(tmp_path, "fadm"))
    silent = folder / "silent.csv"
    silent.write_text((folder / "clips.csv").read_text().replace(",av,", ",silent,"))
    with pytest.raises(
        InputError, match="none of . clips is of kind av and shows a face: nothing to learn speech from"
    ):
        stages.run_motion(silent, folder / "cache", tmp_path, config(tmp_path, "motion"))


def test_clips_that_are_too_short_are_told_with_what_is_needed(folder, monkeypatch, tmp_path) -> None:
    made = MotionRecording(np.zeros((25, 31), np.float32), np.zeros((25, 4), np.float16), "ann")
    monkeypatch.setattr(stages, "motion_recording", lambda *_: made)
    clips = read_recordings(folder / "clips.csv", kinds=("av",))
    with pytest.raises(InputError, match=r"the longest of . clips of kind av has 1.0 s; give one of 1.3 s at least"):
        stages.motion_recordings(clips, tmp_path, None, least=MotionRecipe().least)
    assert len(stages.motion_recordings(clips, tmp_path, None, least=25)) == len(clips)
