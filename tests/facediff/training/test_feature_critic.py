"""The critic that sees through features: what it learns, whom it hears, what it keeps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facediff.training.feature_critic import FeatureCritic, mean_over


@pytest.fixture
def seen() -> tuple[list[Tensor], list[Tensor]]:
    """Features of real and of made pictures, at two scales: what is made has no edges."""
    g = torch.Generator().manual_seed(0)
    real = [torch.randn(4, 6, 8, 12, generator=g), torch.randn(4, 10, 4, 6, generator=g)]
    return real, [torch.nn.functional.avg_pool2d(each, 3, 1, 1) for each in real]


LIPS, EVERYWHERE = torch.zeros(4, 2, 16, 24), torch.ones(4, 1, 16, 24)


def critic(**changes) -> FeatureCritic:
    return FeatureCritic((6, 10), **{"conditions": 2, "warmup": 5, **changes})


def test_it_learns_what_is_made_and_tells_who_is_taught_by_it(seen) -> None:
    real, made = seen
    told = critic(learning_rate=5e-3)
    losses = [told.teach(real, made, LIPS, EVERYWHERE) for _ in range(60)]
    assert losses[-1] < 0.6 * losses[0]
    assert told.judge(made, LIPS, EVERYWHERE) > told.judge(real, LIPS, EVERYWHERE) + 0.5
    open_to_change = [each.clone().requires_grad_() for each in made]
    told.judge(open_to_change, LIPS, EVERYWHERE).backward()
    assert all(each.grad.abs().max() > 0 for each in open_to_change)
    assert all(parameter.grad is None or not parameter.requires_grad for parameter in told.heads.parameters())


def test_it_is_heard_after_its_first_lessons(seen) -> None:
    told, says = critic(warmup=2), []
    for _ in range(5):
        says.append(told.say)
        told.teach(*seen, LIPS, EVERYWHERE)
    assert says == [0, 0, 0, 0.5, 1]


def test_only_places_with_weight_count(seen) -> None:
    real, made = seen
    told, left = critic(), torch.zeros(4, 1, 16, 24)
    left[..., :6] = 1
    changed = [each.clone() for each in made]
    for each in changed:
        each[..., -each.shape[-1] // 4 :] += 3
    torch.testing.assert_close(told.judge(changed, LIPS, left), told.judge(made, LIPS, left))
    assert abs(told.judge(changed, LIPS, EVERYWHERE) - told.judge(made, LIPS, EVERYWHERE)) > 1e-4
    values = torch.arange(8.0).view(1, 1, 2, 4)
    assert mean_over(values, torch.tensor([[[[1.0, 0, 0, 0], [0, 0, 0, 1]]]])) == 3.5


def test_it_heeds_what_the_pictures_are_to_show(seen) -> None:
    told = critic()
    assert abs(told.judge(seen[0], LIPS + 1, EVERYWHERE) - told.judge(seen[0], LIPS, EVERYWHERE)) > 1e-4


def test_kept_and_taken_up_again_it_goes_on_alike(seen) -> None:
    one, other = critic(seed=1), critic(seed=2)
    one.teach(*seen, LIPS, EVERYWHERE)
    other.load_state_dict(one.state_dict())
    assert one.teach(*seen, LIPS, EVERYWHERE) == other.teach(*seen, LIPS, EVERYWHERE)
    assert one.say == other.say
