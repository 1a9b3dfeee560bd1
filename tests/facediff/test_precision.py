"""All of it in bfloat16, whatever this CPU is fast with: many are, and what mixes precisions fails there alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facediff import Avatar
from facediff.pipelines import loading, rendering_models
from facediff.tasks import model_cache

LOADERS = (model_cache.load_talk, model_cache.load_adapted_talk, model_cache.load_refiner, model_cache.load_autoencoder)


@pytest.fixture(autouse=True)
def in_bfloat16(monkeypatch) -> Iterator[None]:
    for opening in (loading, rendering_models):
        monkeypatch.setattr(opening, "choose_dtype", lambda device: torch.bfloat16)
    for load in LOADERS:
        load.cache_clear()
    yield
    for load in LOADERS:
        load.cache_clear()


@pytest.fixture
def speech() -> np.ndarray:
    return (0.2 * np.random.default_rng(0).normal(size=4000)).astype(np.float32)


def test_a_portrait_talks(speech) -> None:
    assert Avatar.from_image(astronaut(), device="cpu").talk(speech).preview().std() > 10


def test_a_portrait_is_animated(tmp_path) -> None:
    Image.fromarray(astronaut()[:, ::-1]).save(tmp_path / "mirrored.png")
    clip = Avatar.from_image(astronaut(), device="cpu").animate(tmp_path / "mirrored.png", region="expression")
    assert clip.preview().std() > 10


def test_a_portrait_is_edited() -> None:
    avatar = Avatar.from_image(astronaut(), device="cpu")
    same, changed = (avatar.edit(makeup=strength).preview().astype(int) for strength in (0.0, 1.0))
    assert np.abs(same - astronaut()).max() <= 1 and np.abs(changed - same).max() > 4


def test_a_portrait_is_edited_by_inversion() -> None:
    clip = Avatar.from_image(astronaut(), device="cpu").edit(makeup=1.0, method="inversion", steps=2)
    assert clip.preview().std() > 10


def test_a_domain_paints(adapted, tiny_model, close_up, speech) -> None:
    avatar = Avatar.from_image(close_up, model=str(tiny_model), device="cpu")
    assert avatar.talk(speech, domain=str(adapted.folder)).preview().std() > 10
