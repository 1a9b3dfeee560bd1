import json
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.training import loop
from facediff.training.loop import Batch, LoopConfig, fit

TRUTH = torch.tensor([[1.0, -2.0, 0.5]])


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """accelerate keeps one precision for the whole process."""
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)


def draw(rng: np.random.Generator) -> Batch:
    x = torch.from_numpy(rng.normal(size=(16, 3)).astype(np.float32))
    return {"x": x, "y": x @ TRUTH.T}


def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
    noise = 0.01 * torch.randn(batch["y"].shape, generator=generator)
    return (model(batch["x"]) - batch["y"] + noise).pow(2).mean(), {"mean_x": float(batch["x"].mean())}


def config(output: Path, **changes) -> LoopConfig:
    usual = {"steps": 8, "learning_rate": 0.05, "warmup": 2, "mixed_precision": "no", "save_every": 3, "log_every": 1}
    return LoopConfig(output=output, **{**usual, **changes})


def linear() -> nn.Module:
    """A linear map under dropout, so that the state of the random generators counts too."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Dropout(0.1), nn.Linear(3, 1, bias=False))


def steps_logged(output: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (output / "log.jsonl").read_text().splitlines()]


def weights(model: nn.Module) -> Tensor:
    return model[-1].weight.detach().clone()


def test_a_linear_map_is_learnt(tmp_path) -> None:
    model = nn.Linear(3, 1)
    assert fit(model, draw, loss, config(tmp_path, steps=200, log_every=50, save_every=200)) is model
    torch.testing.assert_close(model.weight.detach(), TRUTH, atol=0.03, rtol=0)
    assert steps_logged(tmp_path) == [50, 100, 150, 200]


def test_a_run_stopped_again_and_again_ends_where_an_unbroken_one_does(tmp_path) -> None:
    whole = weights(fit(linear(), draw, loss, config(tmp_path / "whole")))
    for done in (1, 2, 3):
        part = weights(fit(linear(), draw, loss, config(tmp_path / "parts", minutes=0)))
        assert steps_logged(tmp_path / "parts")[-1] == done
        assert not torch.equal(part, whole)
    ended = weights(fit(linear(), draw, loss, config(tmp_path / "parts")))
    torch.testing.assert_close(ended, whole, rtol=0, atol=0)
    assert steps_logged(tmp_path / "parts") == list(range(1, 9))
    figures = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in path.read_text().splitlines()]
        for path in (tmp_path / "whole" / "log.jsonl", tmp_path / "parts" / "log.jsonl")
    ]
    assert figures[0] == figures[1]
    assert len({row["mean_x"] for row in figures[0]}) == 8  # every step has data of its own


def test_a_finished_run_gives_its_weights_without_training_on(tmp_path) -> None:
    first = weights(fit(linear(), draw, loss, config(tmp_path)))
    torch.testing.assert_close(weights(fit(linear(), draw, loss, config(tmp_path))), first, rtol=0, atol=0)
    assert steps_logged(tmp_path) == list(range(1, 9))


def test_it_tells_after_each_step_how_far_it_is(tmp_path) -> None:
    told: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(linear(), draw, loss, config(tmp_path, progress=watch))
    fit(linear(), draw, loss, config(tmp_path, progress=watch))
    steps = [1, 2, 3, 4, 5, 4, 5, 6, 7, 8]  # cut off at the fifth, it goes on from the state of the third
    assert told == [(step, 8) for step in steps]


def test_what_is_kept_are_averaged_weights(tmp_path) -> None:
    """They lie inside the path that the weights themselves took, behind its end."""
    path = []

    def watched(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        path.append(float(model.weight.detach()[0, 0]))
        return -model.weight[0, 0] + 0 * batch["y"].sum(), {}

    model = nn.Linear(3, 1, bias=False)
    kept = float(fit(model, draw, watched, config(tmp_path, weight_decay=0.0)).weight.detach()[0, 0])
    assert path == sorted(path) and path[0] < path[-1]
    assert path[0] < kept < path[-1]


class Count:
    """Learns beside the model: how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def state_dict(self) -> dict[str, int]:
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.asked = state["asked"]


def test_who_learns_beside_the_model_goes_on_with_it(tmp_path) -> None:
    def counted(count: Count):
        def asking(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
            count.asked += 1
            value, figures = loss(model, batch, generator)
            return value, {**figures, "asked": count.asked}

        return asking

    for done in (1, 2):
        fit(linear(), draw, counted(one := Count()), config(tmp_path, minutes=0), companions=[one])
        assert one.asked == done
    fit(linear(), draw, counted(one := Count()), config(tmp_path), companions=[one])
    assert one.asked == 8
    with pytest.raises(ConfigError, match="was trained in another way; give another folder"):
        fit(linear(), draw, loss, config(tmp_path))


def test_a_save_cut_off_loses_nothing(tmp_path, monkeypatch) -> None:
    whole = weights(fit(linear(), draw, loss, config(tmp_path / "whole")))
    saved, real = [], torch.save

    def killed(content, path, **options) -> None:
        saved.append(Path(path).name)
        if saved.count("loop.pt") == 2:
            raise KeyboardInterrupt
        real(content, path, **options)

    monkeypatch.setattr(loop.torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(linear(), draw, loss, config(tmp_path / "cut"))
    monkeypatch.undo()
    before = len(steps_logged(tmp_path / "cut"))
    ended = weights(fit(linear(), draw, loss, config(tmp_path / "cut")))
    torch.testing.assert_close(ended, whole, rtol=0, atol=0)
    assert steps_logged(tmp_path / "cut")[before:] == [4, 5, 6, 7, 8]  # from the save before
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == ["log.jsonl", "state"]


def test_a_run_killed_between_two_states_goes_on_from_the_older_one(tmp_path) -> None:
    config = LoopConfig(output=tmp_path, steps=4, save_every=2, mixed_precision="no")
    whole = fit(nn.Linear(3, 1), draw, loss, config).state_dict()
    state = tmp_path / "state"
    state.rename(tmp_path / "state.old")
    again = fit(nn.Linear(3, 1), draw, loss, config).state_dict()
    assert state.is_dir() and all(torch.equal(whole[k], again[k]) for k in whole)


def test_seeds_and_refusals(tmp_path) -> None:
    one, other = (weights(fit(linear(), draw, loss, config(tmp_path / str(s), seed=s))) for s in (0, 1))
    assert not torch.equal(one, other)
    with pytest.raises(ConfigError, match="steps must be at least 1, not 0"):
        config(tmp_path, steps=0)
