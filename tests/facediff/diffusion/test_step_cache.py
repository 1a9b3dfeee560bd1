import pytest
import torch
from torch import Tensor

from facediff.diffusion.step_cache import cache_steps
from facediff.errors import ConfigError


class Noting:
    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, x: Tensor, t: Tensor, cond: object) -> Tensor:
        self.asked.append(int(t))
        return x + float(t)


def run(predict, timesteps, cond="a", shape=(1,)) -> list[float]:
    return [float(predict(torch.zeros(shape), torch.tensor(t), cond).sum()) for t in timesteps]


@pytest.mark.parametrize(("levels", "calls"), [(1, 10), (2, 5), (3, 4), (10, 1), (99, 1)])
def test_every_kth_level_is_asked(levels: int, calls: int) -> None:
    source = Noting()
    run(cache_steps(source, levels), range(1000, 0, -100))
    assert len(source.asked) == calls


def test_in_between_the_last_answer_stands() -> None:
    assert run(cache_steps(Noting(), 3), [9, 7, 5, 3, 1]) == [9, 9, 9, 3, 3]


def test_calls_at_one_level_count_once() -> None:
    source = Noting()
    assert run(cache_steps(source, 2), [9, 9, 9, 8, 8, 7]) == [9, 9, 9, 9, 9, 7]


def test_conditions_are_kept_apart() -> None:
    source = Noting()
    predict, a, b = cache_steps(source, 2), ["same"], ["same"]
    for t in (9, 8, 7, 6):
        run(predict, [t], a)
        run(predict, [t], b)
    assert source.asked == [9, 9, 7, 7]


def test_another_clip_is_asked_anew() -> None:
    source = Noting()
    predict = cache_steps(source, 50)
    assert run(predict, [9, 5]) + run(predict, [9, 5]) == [9, 9, 9, 9]
    assert source.asked == [9, 9]
    assert run(predict, [4], shape=(2,)) == [8]


def test_one_level_is_the_denoiser_itself_and_none_is_refused() -> None:
    source = Noting()
    assert cache_steps(source, 1) is source
    with pytest.raises(ConfigError, match="at least 1 noise level, not 0"):
        cache_steps(source, 0)
