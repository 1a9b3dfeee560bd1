"""Learning to make rendered mouths look filmed: what is drawn, what counts, and that it is learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facediff.errors import InputError
from facediff.models.mouth_refiner import MouthRefiner
from facediff.training.loop import LoopConfig
from facediff.training.mouth_refining import RefineRecipe, RefiningLoss, RenderedDraw, train_mouth_refiner
from facediff.training.perceptual import PerceptualDistance

RECIPE = RefineRecipe(batch_size=4, warmup=2)


class Pixels(nn.Module):
    """Pictures are their own features."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [images + 2]


@pytest.fixture(scope="module")
def pairs() -> dict[str, np.ndarray]:
    """Eight mouths that were made too dark between the lips, by a fifth."""
    rng = np.random.default_rng(0)
    target = rng.integers(90, 160, (8, 1, 1, 3)) + rng.integers(0, 60, (8, 32, 48, 1))
    lips = np.zeros((8, 2, 16, 24), np.uint8)
    lips[:, 0, 4:12, 4:20] = lips[:, 1, 6:10, 6:18] = 255
    mask = np.zeros((8, 32, 48), np.uint8)
    mask[:, 6:26, 6:42] = 255
    made = target.copy()
    made[:, 12:20, 12:36] = made[:, 12:20, 12:36] * 4 // 5
    lack = np.linspace(0, 1, 8, dtype=np.float32)[:, None].repeat(2, axis=1)
    return {"made": made.astype(np.uint8), "target": target.astype(np.uint8), "lips": lips, "mask": mask, "lack": lack}


def network() -> MouthRefiner:
    torch.manual_seed(0)
    return MouthRefiner(channels=(8, 12, 16), blocks=(1, 1, 1))


def test_what_is_drawn_belongs_together(pairs) -> None:
    batch = RenderedDraw(pairs, RECIPE)(np.random.default_rng(0))
    shapes = {name: tuple(value.shape[1:]) for name, value in batch.items() if len(value) == RECIPE.batch_size}
    picture = (3, 32, 48)
    assert shapes == {"made": picture, "target": picture, "lips": (2, 16, 24), "mask": (1, 32, 48), "lack": (2,)}
    apart = (batch["target"] - batch["made"]).abs().sum(1, keepdim=True) > 0.02
    between = nn.functional.interpolate(batch["lips"][:, 1:], scale_factor=2)
    assert apart.float()[:, :, 12:20, 12:36].mean() > 0.9  # tones and sides vary for both alike
    assert not apart[between == 0].any()


def test_mouths_that_lack_much_come_more_often(pairs) -> None:
    draw, rng = RenderedDraw(pairs, replace(RECIPE, lacking=9.0)), np.random.default_rng(0)
    drawn = torch.cat([draw(rng)["lack"][:, 0] for _ in range(100)])
    assert (drawn > 0.3).float().mean() > 0.75
    with pytest.raises(InputError, match="8 mouths"):
        RenderedDraw(pairs, replace(RECIPE, batch_size=9))


def test_only_what_may_change_counts_and_that_most_between_the_lips(pairs) -> None:
    batch = RenderedDraw(pairs, RECIPE)(np.random.default_rng(1))
    batch = {**batch, "made": batch["target"].clone()}
    loss = RefiningLoss(PerceptualDistance(Pixels()), replace(RECIPE, distance=0.0))

    def after(place: tuple[int, int]) -> float:
        made = batch["made"].clone()
        made[:, :, place[0], place[1]] += 0.5
        with torch.no_grad():
            return float(loss(lambda pictures, *told: 0 * pictures, {**batch, "made": made}, torch.Generator())[0])

    outside, around, between = after((1, 1)), after((8, 8)), after((16, 24))
    assert outside == 0 < around < 0.5 * between


def test_a_critic_is_heard_after_its_first_lessons_and_never_too_loud(pairs) -> None:
    recipe = replace(RECIPE, loudest=0.25)
    loss, model, rng = RefiningLoss(PerceptualDistance(Pixels()), recipe), network(), np.random.default_rng(0)
    told = [loss(model, RenderedDraw(pairs, recipe)(rng), torch.Generator())[1] for _ in range(6)]
    assert ["fooled" in one for one in told] == [False, False, True, True, True, True]
    assert all(one["balance"] <= 0.25 for one in told[2:]) and all(one["critic"] > 0 for one in told)


def test_it_learns_what_the_rendering_lacks(pairs, tmp_path: Path) -> None:
    config = LoopConfig(output=tmp_path, steps=60, learning_rate=3e-3, warmup=5, mixed_precision="no", ema_decay=0.9)
    made = train_mouth_refiner(network(), pairs, PerceptualDistance(Pixels()), config, replace(RECIPE, realism=0.1))
    batch = RenderedDraw(pairs, RECIPE)(np.random.default_rng(5))
    with torch.no_grad():
        change = batch["mask"] * made(batch["made"], batch["lips"], batch["lack"])
    inner = (slice(None), slice(None), slice(13, 19), slice(13, 35))
    before, after = (
        (picture - batch["target"])[inner].abs().mean() for picture in (batch["made"], batch["made"] + change)
    )
    assert after < 0.5 * before
