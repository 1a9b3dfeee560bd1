"""What is new between the lips is sampled; all else is the mean."""

import numpy as np
import torch

from facediff.rendering.painting.disoccluded import resample_disoccluded


def test_only_where_it_is_new_and_only_frames_that_need_it_are_sampled() -> None:
    mean, asked = torch.zeros(3, 2, 4, 4), []
    new = [np.zeros((32, 32), np.float32) for _ in range(3)]
    new[1][:8, :8], new[1][8:16, :8] = 1.0, 0.5

    def sample(rows: list[int]) -> torch.Tensor:
        asked.append(rows)
        return torch.ones(len(rows), 2, 4, 4)

    made = resample_disoccluded(mean, new, sample)
    assert asked == [[1]]
    assert made[[0, 2]].abs().max() == 0 and mean.abs().max() == 0
    wanted = torch.zeros(4, 4)
    wanted[0, 0], wanted[1, 0] = 1.0, 0.5
    torch.testing.assert_close(made[1], wanted.expand(2, 4, 4))


def test_without_anything_new_nothing_is_sampled() -> None:
    mean = torch.randn(2, 2, 4, 4)
    assert resample_disoccluded(mean, [np.zeros((32, 32), np.float32)] * 2, lambda rows: 1 / 0) is mean
