"""Learning to make pictures larger: halves, tiles, what is drawn, and that it is learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError, InputError
from facediff.media import write_image
from facediff.models.super_resolver import SuperResolver
from facediff.rendering.enlarging import back_project
from facediff.training.loop import LoopConfig
from facediff.training.super_resolution import (
    EDGE,
    PATCH,
    TILE,
    EnlargingRecipe,
    TileDraw,
    build_tiles,
    compress,
    enlarge_bicubic,
    enlarging_loss,
    halve,
    run_super_resolution,
    train_super_resolver,
)
from tests.portraits import plain

RECIPE = EnlargingRecipe(batch_size=4, noisy=0.0, compressed=0.0)


@pytest.fixture(scope="module")
def tiles() -> np.ndarray:
    """Six tiles of a portrait."""
    return np.stack([plain()[y : y + TILE, x : x + TILE] for y in (0, 48, 96) for x in (20, 80)])


@pytest.mark.parametrize("how", ["area", "bicubic", "linear"])
def test_halves_are_where_the_picture_was(how) -> None:
    """Enlarged again, a slope is as it was, not a half pixel aside."""
    slope = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 64, axis=0).repeat(3, axis=2)
    half = halve(slope, how)
    assert half.shape == (32, 32, 3)
    wide = enlarge_bicubic(half[None])[0]
    assert np.abs(wide[4:-4, 4:-4] - slope[4:-4, 4:-4]).max() <= 1.0


def test_compression_costs_more_the_worse_it_is() -> None:
    picture = plain()
    bad, good = (np.abs(compress(picture, q).astype(int) - picture).mean() for q in (40, 95))
    assert bad > 1.5 * good > 0


def test_what_is_drawn_is_one_patch_small_and_large(tiles) -> None:
    batch = TileDraw(tiles, RECIPE)(np.random.default_rng(0))
    assert batch["small"].shape == (4, 3, PATCH // 2, PATCH // 2) and batch["target"].shape == (4, 3, PATCH, PATCH)
    assert not batch["noise"].any()
    assert (batch["wide"] - batch["target"]).abs().mean() < 0.05
    with pytest.raises(InputError, match="6 tiles"):
        TileDraw(tiles, EnlargingRecipe(batch_size=7))


def test_noise_is_as_strong_as_is_told(tiles) -> None:
    noisy = TileDraw(np.full_like(tiles, 128), EnlargingRecipe(batch_size=6, noisy=1.0, compressed=0.0))
    batch = noisy(np.random.default_rng(0))
    got = batch["small"].flatten(1).std(dim=1)
    torch.testing.assert_close(got, batch["noise"], rtol=0.05, atol=2e-3)
    assert 0 < batch["noise"].max() <= 0.1 and batch["noise"].std() > 0.01


def test_tiles_are_cut_once_of_what_is_large_enough(tmp_path: Path) -> None:
    def portrait(name: str, side: int) -> Recording:
        write_image(tmp_path / name, cv2.resize(plain(), (side, side)))
        return Recording(tmp_path / name, name, "still", name, None)

    large, small = portrait("a.png", 512), portrait("b.png", 256)
    made = build_tiles([large, small], tmp_path / "tiles")
    assert made.shape[1:] == (TILE, TILE, 3) and 8 <= len(made) <= 16
    np.testing.assert_array_equal(build_tiles([large, small], tmp_path / "tiles"), made)
    with pytest.raises(InputError, match="tiles of other clips"):
        build_tiles([large], tmp_path / "tiles")
    with pytest.raises(InputError, match="none of 1 pictures"):
        build_tiles([small], tmp_path / "others")


def test_it_learns_what_enlargement_lacks(tiles, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LoopConfig(output=tmp_path, steps=60, learning_rate=4e-3, warmup=5, mixed_precision="no", ema_decay=0.9)
    recipe = replace(RECIPE, blur=0.31)
    made = train_super_resolver(SuperResolver(channels=16, blocks=1), tiles, config, recipe)
    batch = TileDraw(tiles, recipe)(np.random.default_rng(7))
    with torch.no_grad():
        left = enlarging_loss(made, batch, torch.Generator())[1]["left"]
    assert left < 0.99  # 1 before it has learnt


def test_what_is_learnt_from_is_what_is_shown(tiles) -> None:
    """The loss gives back what halves lack, where there is no noise, as enlarging does."""
    batch = TileDraw(tiles, RECIPE)(np.random.default_rng(3))
    model = SuperResolver(channels=8, blocks=1)
    small, wide, target = (batch[name].permute(0, 2, 3, 1).numpy() for name in ("small", "wide", "target"))
    shown = np.stack([back_project(one, given) for one, given in zip(wide, small, strict=True)])
    inner = (shown - target)[:, EDGE:-EDGE, EDGE:-EDGE]
    wanted = np.sqrt(np.square(inner).mean(axis=(1, 2, 3)) + 1e-7).mean()
    with torch.no_grad():
        found, _ = enlarging_loss(model, batch, torch.Generator())
        noisy, figures = enlarging_loss(model, {**batch, "noise": batch["noise"] + 0.01}, torch.Generator())
    assert float(found) == pytest.approx(wanted, rel=1e-4)
    assert figures["left"] == pytest.approx(1.0) and float(noisy) > float(found)


def test_noise_beyond_what_can_be_told_is_refused(tmp_path: Path) -> None:
    config = LoopConfig(output=tmp_path, steps=1)
    with pytest.raises(ConfigError, match="noise is from 0 to 0.1, not 0.3"):
        run_super_resolution(tmp_path / "none.csv", tmp_path, tmp_path / "model", config, noise=0.3)
