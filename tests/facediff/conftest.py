"""A tiny model with a prior, a little footage and what was learnt of it, for all tests of adapting."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from skimage.data import astronaut, coffee

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.fadm import FADMConditioner
from facediff.media import VideoWriter
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.models.space_time import TemporalLayer
from facediff.pipelines.domains import DomainCard, read_card
from facediff.system.weights import CHECKPOINTS
from facediff.training.adaptation import AdaptRecipe, adapt
from facediff.training.prior import read_runs
from facediff.training.stages import save_network

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"
SPOKEN, QUIET = 72, 24  # frames of the two videos with a face


@dataclass(frozen=True)
class Adapted:
    """What ``adapt`` made of the footage, and what it told meanwhile."""

    folder: Path
    card: DomainCard
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for one another make small networks slow where other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def close_up() -> np.ndarray:
    """The astronaut's face, 192 by 192."""
    return np.ascontiguousarray(astronaut()[20:212, 130:322])


@pytest.fixture(scope="session")
def tiny_model(make_once) -> Path:
    """A model folder of untrained networks of 4 latent channels, whose prior knows time and three words."""
    return make_once("tiny", lambda folder: _make_model(folder / "model")) / "model"


@pytest.fixture(scope="session")
def small_avatar(close_up, tiny_model) -> Avatar:
    """An avatar of 192 by 192 pixels, on untrained networks that paint."""
    return Avatar.from_image(close_up, model=str(tiny_model), device="cpu")


def _make_model(folder: Path) -> None:
    torch.manual_seed(0)
    conditioner = DiffTalkConditioner()
    unet = UNet2DConditionModel(
        sample_size=(16, 20), in_channels=3 * 4 + conditioner.extra_channels, out_channels=4,
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=128,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
    )  # fmt: skip
    faces = FADMConditioner(latent_channels=4, gate_channels=8, condition_channels=6, dim=16)
    refiner = UNet2DConditionModel(
        sample_size=8, in_channels=3 * 4 + faces.extra_channels, out_channels=4, block_out_channels=(8, 8),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    temporal, words = TemporalLayer(16, heads=2, groups=4), CaptionEncoder(("man", "old", "woman"))
    for weight in (temporal.layer.proj_out.weight, words.words):
        torch.nn.init.normal_(weight, std=0.3)
    save_network(FaceCodec(4, 8, 8, (1, 1), (1, 1)), folder / "codec")
    save_network(unet, folder / "difftalk" / "unet")
    save_network(conditioner, folder / "difftalk" / "conditioner")
    save_network(refiner, folder / "fadm" / "unet")
    save_network(faces, folder / "fadm" / "conditioner")
    for name in ("difftalk", "fadm"):
        base_schedule().save_pretrained(folder / name / "scheduler")
    save_network(temporal, folder / "prior" / "temporal")
    save_network(words, folder / "prior" / "captions")
    shutil.copytree(CHECKPOINTS / "base" / "motion", folder / "motion")


@pytest.fixture(scope="session")
def footage(make_once, close_up) -> Path:
    """A face that speaks, with a caption; in a folder below the same face without a sound; and a cup of coffee."""
    return make_once("footage", lambda folder: _film_footage(folder, close_up))


def _film_footage(folder: Path, close_up: np.ndarray) -> None:
    wave = load_wave(HELLO)[: 16000 * (SPOKEN + QUIET) // 25]
    frames = list(Avatar.from_image(close_up, device="cpu").talk(wave, paint=False))
    _film(folder / "talk.mp4", frames[:SPOKEN], wave[: 16000 * SPOKEN // 25])
    _film(folder / "more" / "quiet.mp4", frames[SPOKEN:])
    _film(folder / "coffee.mp4", [np.ascontiguousarray(coffee()[:192, :192])] * 10)
    (folder / "talk.txt").write_text("A woman, speaking softly.\n")
    (folder / "notes.md").write_text("no video")


@pytest.fixture(scope="session")
def table(make_once, footage, tiny_model) -> Path:
    """A folder with a table of the two videos with a face, ``clips.csv``, and their runs in ``cache``."""

    def tell(folder: Path) -> None:
        for name, source in (("quiet.mp4", "more/quiet.mp4"), ("talk.mp4", "talk.mp4")):
            shutil.copy(footage / source, folder / name)
        (folder / "clips.csv").write_text(
            "file,split,kind,identity,licence\ntalk.mp4,train,av,her,CC0\nquiet.mp4,train,silent,her,CC0\n"
        )
        codec = open_network(FaceCodec, tiny_model, "codec")
        conditioner = open_network(DiffTalkConditioner, tiny_model, "difftalk/conditioner")
        read_runs(folder / "clips.csv", folder / "cache", codec, conditioner, seed=0, licence="any")

    return make_once("table", tell)


def _film(path: Path, frames: list[np.ndarray], sound: np.ndarray | None = None) -> None:
    path.parent.mkdir(exist_ok=True)
    with VideoWriter(path, (192, 192), Fraction(25), audio=sound) as writer:
        for frame in frames:
            writer.write(frame)


@pytest.fixture(scope="session")
def adapted(make_once, footage, tiny_model) -> Adapted:
    """A small model of the footage, after six steps."""

    def learn(folder: Path) -> None:
        told: list = []
        recipe = AdaptRecipe(steps=6, batch_size=1)
        adapt(footage, folder / "anna", recipe, model=str(tiny_model), progress=lambda *news: told.append(news))
        assert os.listdir(folder) == ["anna"]  # the work is gone
        (folder / "told.json").write_text(json.dumps(told))

    folder = make_once("adapted", learn)
    told = [tuple(news) for news in json.loads((folder / "told.json").read_text())]
    return Adapted(folder / "anna", read_card(folder / "anna"), told)
