"""Students: of a small network, by their loss; of the tiny painters, by the command's own way."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.checkpoints import open_network, open_schedule
from facediff.models.difftalk import base_schedule
from facediff.training.distillation import distillation_loss, run_distil
from facediff.training.loop import LoopConfig

pytestmark = pytest.mark.usefixtures("one_thread")


class Network(nn.Module):
    """Knows the noise level, and nothing of the batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.level = nn.Conv2d(2, 16, 3, padding=1), nn.Embedding(1000, 16)
        self.last = nn.Conv2d(16, 2, 3, padding=1)

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return self.last(torch.tanh(self.first(noisy) + self.level(timesteps)[:, :, None, None]))


def measure(loss, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return torch.stack([loss(model, batch, torch.Generator().manual_seed(seed))[0] for seed in range(4)]).mean()


def test_the_loss_falls_and_the_teacher_stays() -> None:
    g = torch.Generator().manual_seed(0)
    batch = {"target": torch.randn(16, 2, 6, 6, generator=g), "known": torch.zeros(16, 2, 6, 6)}
    teacher = Network()
    student, before = copy.deepcopy(teacher), copy.deepcopy(teacher.state_dict())
    loss = distillation_loss(teacher, base_schedule(), "known", 1.0, lambda b: torch.ones(16, 1, 6, 6), 2)
    first = float(measure(loss, student, batch).detach())
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    for seed in range(100):
        optimizer.zero_grad()
        loss(student, batch, torch.Generator().manual_seed(100 + seed))[0].backward()
        optimizer.step()
    assert float(measure(loss, student, batch).detach()) < 0.3 * first
    assert all(torch.equal(weight, before[name]) for name, weight in teacher.state_dict().items())


def test_places_without_weight_do_not_count() -> None:
    batch = {"target": torch.randn(4, 2, 6, 6), "known": torch.zeros(4, 2, 6, 6)}
    left = torch.zeros(4, 1, 6, 6)
    left[..., :2] = 1
    loss = distillation_loss(Network(), base_schedule(), "known", 1.0, lambda b: left, 1)
    student = Network()
    student.register_forward_hook(lambda module, args, output: output.index_fill(3, torch.tensor([5]), 9.0))
    plain = float(measure(loss, Network(), batch).detach())
    assert float(measure(loss, student, batch).detach()) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("painter", ["difftalk", "fadm"])
def test_a_student_begins_as_its_teacher_and_takes_its_form(table, tiny_model, tmp_path, painter) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(table / "cache" / "tracks", cache / "tracks")
    config = LoopConfig(output=tmp_path / "run", steps=2, learning_rate=1e-3, warmup=1, mixed_precision="no")
    run_distil(
        table / "clips.csv", cache, tmp_path / "model", config, start=str(tiny_model), painter=painter,
        teacher_steps=2, pairs=24,
    )  # fmt: skip
    part = f"{painter}/unet"
    was, now = (
        open_network(UNet2DConditionModel, model, part).conv_out.weight for model in (tiny_model, tmp_path / "model")
    )
    assert not torch.equal(was, now)
    torch.testing.assert_close(now, was, rtol=0, atol=5e-3)
    assert open_schedule(tmp_path / "model", painter).config["prediction_type"] == "v_prediction"


def test_nonsense_is_refused_before_anything_is_read(tiny_model, tmp_path) -> None:
    config = LoopConfig(output=tmp_path / "run", steps=1)

    def distil(model: Path, **more) -> None:
        run_distil(tmp_path / "none.csv", tmp_path / "cache", model, config, start=str(tiny_model), **more)

    for make, words in (
        (lambda: distil(tmp_path, painter="motion"), "one of difftalk, fadm, not 'motion'"),
        (lambda: distil(tmp_path, teacher_steps=5), "a teacher of 5 steps cannot be halved"),
        (lambda: distil(tmp_path, teacher_steps=6), "do not divide into twice 3 steps"),
        (lambda: distil(tiny_model), "take its teacher's place"),
    ):
        with pytest.raises(ConfigError, match=words):
            make()
