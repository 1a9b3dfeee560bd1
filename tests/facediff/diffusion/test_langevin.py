import pytest
import torch

from facediff.diffusion.langevin import run_langevin
from facediff.errors import ConfigError

ALPHA = torch.tensor(0.4)


def test_samples_settle_where_the_score_says() -> None:
    """Data of N(2, 0.5²) at a level is N(√α 2, α 0.25 + 1 - α)."""
    mean, variance = ALPHA.sqrt() * 2, ALPHA * 0.25 + 1 - ALPHA
    g = torch.Generator().manual_seed(0)
    x = run_langevin(
        lambda x, t: (1 - ALPHA).sqrt() * (x - mean) / variance,
        torch.full((8000,), -5.0), torch.tensor(0), ALPHA, steps=100, generator=g,
    )  # fmt: skip
    assert x.mean() == pytest.approx(float(mean), abs=0.03)
    assert x.var() == pytest.approx(float(variance), rel=0.08)


def test_a_step_is_the_papers() -> None:
    x, noise = torch.tensor([1.0, -2.0]), torch.tensor([0.3, 0.7])
    eta = 0.1 * (1 - ALPHA)
    z = torch.randn(2, generator=torch.Generator().manual_seed(3))
    made = run_langevin(lambda x, t: noise, x, torch.tensor(0), ALPHA, steps=1, step_size=0.1,
                    generator=torch.Generator().manual_seed(3))  # fmt: skip
    torch.testing.assert_close(made, x + eta / 2 * (-noise / (1 - ALPHA).sqrt()) + eta.sqrt() * z)


def test_no_steps_leave_samples_as_they_are_and_nonsense_is_refused() -> None:
    x = torch.ones(3)
    assert run_langevin(lambda x, t: x, x, torch.tensor(0), ALPHA, steps=0) is x
    for steps, size in ((-1, 0.1), (1, 0.0)):
        with pytest.raises(ConfigError, match="refinement takes"):
            run_langevin(lambda x, t: x, x, torch.tensor(0), ALPHA, steps=steps, step_size=size)
