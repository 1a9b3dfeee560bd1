import pytest
import torch
from torch import Tensor, nn

from facediff.models.difftalk import base_schedule
from facediff.training.denoising import denoising_loss

SCALE = 0.5


class Truth(nn.Module):
    """Knows the clean latents, errs where it is told to, and remembers what it was asked."""

    def __init__(self, error: float | Tensor = 0.0) -> None:
        super().__init__()
        self.error, self.scheduler = error, base_schedule()

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        self.asked, self.noisy = timesteps, noisy
        a = self.scheduler.alphas_cumprod[timesteps][:, None, None, None]
        clean = (batch["target"] - batch["known"]) / SCALE
        noise = (noisy - a.sqrt() * clean) / (1 - a).sqrt()
        return a.sqrt() * noise - (1 - a).sqrt() * clean + self.error


@pytest.fixture
def batch() -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(0)
    return {"target": torch.randn(8, 2, 4, 4, generator=g), "known": torch.randn(8, 2, 4, 4, generator=g)}


def value(model: nn.Module, batch: dict[str, Tensor], frames: int, weight: Tensor | None = None) -> float:
    weight = torch.ones(8, 1, 4, 4) if weight is None else weight
    loss = denoising_loss(base_schedule(), "known", SCALE, lambda _: weight, frames)
    return float(loss(model, batch, torch.Generator().manual_seed(1))[0])


@pytest.mark.parametrize("frames", [1, 4, 8])
def test_the_truth_has_no_loss_and_an_error_its_square(batch, frames) -> None:
    assert value(Truth(), batch, frames) < 1e-8
    assert value(Truth(0.3), batch, frames) == pytest.approx(0.09, rel=1e-3)


def test_examples_count_alike_whatever_the_size_of_their_masks(batch) -> None:
    weight = torch.zeros(8, 1, 4, 4)
    weight[:4, :, 0, 0] = 1
    weight[4:] = 1
    error = torch.zeros(8, 2, 4, 4)
    error[:4] = 0.4
    assert value(Truth(error), batch, 1, weight) == pytest.approx(0.08, rel=1e-3)
    error[:4, :, 0, 0] = 0  # what has no weight does not count
    assert value(Truth(error), batch, 1, weight) < 1e-8


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_frames_of_a_clip_share_their_level_but_not_their_noise(batch, frames) -> None:
    batch = {name: part[:1].expand(8, -1, -1, -1) for name, part in batch.items()}
    model = Truth()
    value(model, batch, frames)
    levels = model.asked.view(-1, frames)
    assert torch.equal(levels, levels[:, :1].expand_as(levels))
    assert len(levels[:, 0].unique()) == 8 // frames
    apart = (model.noisy[0] - model.noisy[1:]).abs().amax(dim=(1, 2, 3))
    assert apart.min() > 0.01


def test_a_judge_is_shown_the_latents_that_are_predicted(batch) -> None:
    shown = {}

    def judge(seen: dict[str, Tensor], latents: Tensor) -> tuple[Tensor, dict[str, float]]:
        shown["latents"] = latents
        return torch.tensor(5.0), {"seen": 1.0}

    loss = denoising_loss(base_schedule(), "known", SCALE, lambda _: torch.ones(8, 1, 4, 4), judge=judge)
    model = Truth()
    total, figures = loss(model, batch, torch.Generator().manual_seed(1))
    assert float(total) == pytest.approx(5.0, abs=1e-6) and figures["seen"] == 1 and figures["error"] < 1e-8
    torch.testing.assert_close(shown["latents"], batch["target"], atol=1e-3, rtol=0)
