"""What a student is to predict, from the exact denoiser of a process that is known."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from facediff.diffusion.distillation import alpha_of, halve_steps, student_timesteps
from facediff.diffusion.prediction import convert
from facediff.errors import ConfigError
from tests.facediff.diffusion.oracle import Oracle, rbf, schedule

FRAMES = 12


def levels(kind: str, to_noise: bool) -> DDIMScheduler:
    changes = {"rescale_betas_zero_snr": True} if to_noise else {}
    made = DDIMScheduler.from_config(schedule().config, prediction_type=kind, **changes)
    made.alphas_cumprod = made.alphas_cumprod.double()  # the noise says little about the sample near pure noise
    return made


def exact(scheduler: DDIMScheduler):
    """The denoiser of a smooth process, of the scheduler's kind of prediction."""
    truth, kind = Oracle(rbf(FRAMES, 6.0)), scheduler.config["prediction_type"]

    def predict(x: Tensor, timesteps: Tensor) -> Tensor:
        alpha = alpha_of(scheduler, timesteps, x)
        clean = torch.cat([truth.clean(one[None], a[0], range(FRAMES)) for one, a in zip(x, alpha, strict=True)])
        return convert(clean, x, alpha, "sample", kind)

    return predict


@pytest.mark.parametrize("to_noise", [False, True])
@pytest.mark.parametrize("kind", ["sample", "epsilon", "v_prediction"])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_one_step_of_the_student_is_two_of_the_teacher(steps: int, kind: str, to_noise: bool) -> None:
    """By the steps of diffusers' own scheduler, from each of the student's timesteps, the last of which ends clean."""
    if kind == "epsilon" and to_noise:
        pytest.skip("where all is noise, noise says nothing about the sample")
    scheduler = levels(kind, to_noise)
    predict, at = exact(scheduler), student_timesteps(scheduler, steps)
    noisy = torch.randn(steps, FRAMES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = halve_steps(predict, noisy, at, scheduler, steps)
    teacher, student = levels(kind, to_noise), levels(kind, to_noise)
    teacher.set_timesteps(2 * steps)
    student.set_timesteps(steps)
    assert student.timesteps.tolist() == at.tolist() and teacher.timesteps[::2].tolist() == at.tolist()
    for row, t in enumerate(at):
        x = noisy[row : row + 1]
        for now in teacher.timesteps[2 * row : 2 * row + 2]:
            x = teacher.step(predict(x, now[None]), now, x).prev_sample
        alpha = alpha_of(scheduler, t[None], x)
        told = convert(wanted[row : row + 1], noisy[row : row + 1], alpha, "sample", kind)
        landed = student.step(told, t, noisy[row : row + 1]).prev_sample
        torch.testing.assert_close(landed, x, rtol=1e-5, atol=1e-5)


def test_the_target_is_the_paper_s_and_not_what_the_teacher_says() -> None:
    scheduler = levels("v_prediction", False)
    predict, at = exact(scheduler), student_timesteps(scheduler, 2)
    noisy = torch.randn(2, FRAMES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wanted = halve_steps(predict, noisy, at, scheduler, 2)
    said = convert(predict(noisy, at), noisy, alpha_of(scheduler, at, noisy), "v_prediction", "sample")
    assert (wanted - said).abs().max() > 0.01


def test_steps_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ConfigError, match="1000 noise levels do not divide into twice 3 steps; take one of 1, 2, 4"):
        student_timesteps(schedule(), 3)
    leading = DDIMScheduler.from_config(schedule().config, timestep_spacing="leading")
    with pytest.raises(ConfigError, match="spacing is leading"):
        student_timesteps(leading, 2)
