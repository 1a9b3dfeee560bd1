from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from facediff.training.adversary import Adversary, PatchDiscriminator


@pytest.fixture(scope="module")
def pictures() -> tuple[Tensor, Tensor]:
    """Sharp ones, and the same blurred."""
    real = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return real, F.avg_pool2d(real, 3, 1, 1, count_include_pad=False)


def test_it_learns_to_tell_blurred_from_sharp(pictures) -> None:
    adversary = Adversary(warmup=0, width=8, learning_rate=2e-3)
    losses = [adversary.teach(*pictures) for _ in range(40)]
    assert losses[0] == pytest.approx(2.0, abs=0.2)  # who knows nothing
    assert losses[-1] < 1.0
    fooled, _ = adversary.judge(pictures[0], pictures[1])
    truth, match = adversary.judge(pictures[0], pictures[0])
    assert truth < 0 < fooled and match == 0


def test_verdicts_are_on_patches() -> None:
    told, seen = PatchDiscriminator(8)(torch.zeros(2, 3, 32, 48))
    assert told.shape == (2, 1, 4, 6)
    assert [tuple(part.shape[1:]) for part in seen] == [(8, 16, 24), (16, 8, 12), (16, 4, 6)]


def test_its_judgement_teaches_who_is_judged_alone(pictures) -> None:
    adversary = Adversary(warmup=0, width=8)
    made = pictures[1].clone().requires_grad_()
    fooled, match = adversary.judge(pictures[0], made)
    for value in (fooled, match):
        (moved,) = torch.autograd.grad(value, made, retain_graph=True)
        assert moved.abs().max() > 0
    assert all(p.grad is None for p in adversary.network.parameters())
    before = made.detach().clone()
    adversary.teach(pictures[0], made)
    assert torch.equal(made.detach(), before) and made.grad is None


def test_it_is_listened_to_after_its_first_lessons(pictures) -> None:
    adversary, heard = Adversary(warmup=2, width=8), []
    for _ in range(6):
        heard.append(adversary.say)
        adversary.teach(*pictures)
    assert heard == [0, 0, 0, 0.5, 1, 1]


def test_what_was_kept_goes_on_as_if_nothing_had_been(pictures) -> None:
    whole, first, second = (Adversary(warmup=1, width=8, seed=s) for s in (0, 0, 1))
    lessons = [whole.teach(*pictures) for _ in range(4)]
    assert [first.teach(*pictures) for _ in range(2)] == lessons[:2]
    second.load_state_dict(first.state_dict())
    assert [second.teach(*pictures) for _ in range(2)] == lessons[2:]
    assert second.say == whole.say == 1
