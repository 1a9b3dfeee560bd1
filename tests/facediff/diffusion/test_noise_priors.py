import pytest
import torch

from facediff.diffusion.noise_priors import PRIORS, check_prior, frame_noise
from facediff.errors import ConfigError


@pytest.mark.parametrize("kind", PRIORS)
def test_chunks_are_the_whole(kind: str) -> None:
    whole = frame_noise(kind, (3, 4), 10, seed=7)
    parts = [frame_noise(kind, (3, 4), 5, seed=7, start=start) for start in (0, 5)]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole, frame_noise(kind, (3, 4), 10, seed=8))


@pytest.mark.parametrize(
    ("kind", "near", "far"),
    [("shared", 1.0, 1.0), ("independent", 0.0, 0.0), ("mixed", 0.5, 0.5), ("progressive", 0.894, 0.572)],
)
def test_correlations(kind: str, near: float, far: float) -> None:
    """PYoCo: alpha²/(1 + alpha²), and (alpha/√(1 + alpha²)) to the power of the distance."""
    x = frame_noise(kind, (40000,), 6, seed=0)
    correlation = torch.corrcoef(x)
    assert abs(x.std(dim=1) - 1).max() < 0.02
    assert abs(correlation[0, 1] - near) < 0.02
    assert abs(correlation[0, 5] - far) < 0.02


def test_an_unknown_prior_is_refused() -> None:
    with pytest.raises(ConfigError, match="no noise prior"):
        frame_noise("pink", (1,), 1, seed=0)


def test_a_prior_that_a_model_was_not_trained_with_is_refused() -> None:
    check_prior("mixed", "mixed")
    with pytest.raises(ConfigError, match="trained with independent noise, not progressive"):
        check_prior("progressive", "independent")
