"""For Gaussians of unit variance guidance has a closed form: the mean moves by the scale."""

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.diffusion.guidance import apply_guidance, apply_guidances
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError

SCHEDULE = DDIMScheduler(prediction_type="epsilon", clip_sample=False, timestep_spacing="trailing")


def eps(x: Tensor, t: Tensor, mean: float) -> Tensor:
    """The exact noise in x for data drawn from N(mean, 1)."""
    a = SCHEDULE.alphas_cumprod[int(t)]
    return (1 - a).sqrt() * (x - a.sqrt() * mean)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
def test_a_mean_is_moved_by_the_scale(scale: float) -> None:
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    x = denoise(apply_guidance(eps, 2.0, -1.0, scale), noise, SCHEDULE, 50)
    assert abs(x.mean() - (-1.0 + scale * 3.0)) < 0.1
    assert abs(x.std() - 1) < 0.1


def test_the_end_points_are_the_plain_predictions_bit_for_bit() -> None:
    calls: list[float] = []

    def predict(x: Tensor, t: Tensor, mean: float) -> Tensor:
        calls.append(mean)
        return eps(x, t, mean)

    x, t = torch.randn(64, generator=torch.Generator().manual_seed(1)), torch.tensor(700)
    torch.testing.assert_close(apply_guidance(predict, 2.0, -1.0, 1.0)(x, t), eps(x, t, 2.0), rtol=0, atol=0)
    assert calls == [2.0]  # one call, not two
    torch.testing.assert_close(apply_guidance(predict, 2.0, -1.0, 0.0)(x, t), eps(x, t, -1.0), rtol=0, atol=0)


def test_conditions_alike_cannot_be_told_apart_by_any_scale() -> None:
    x, t = torch.randn(64, generator=torch.Generator().manual_seed(1)), torch.tensor(300)
    torch.testing.assert_close(apply_guidance(eps, 0.7, 0.7, 9.0)(x, t), eps(x, t, 0.7))


def test_of_difftalk_only_the_sound_is_strengthened() -> None:
    conditioner = DiffTalkConditioner()
    g = torch.Generator().manual_seed(0)
    shapes = {"masked": (12, 20, 24), "reference": (12, 20, 24), "mask": (1, 20, 24), "lips": (2, 80, 96),
              "window": (32, 80), "points": (478, 3), "rotation": (3, 3)}  # fmt: skip
    given = {name: torch.rand(1, *shape, generator=g) for name, shape in shapes.items()}
    with torch.no_grad():
        cond = conditioner(**given)
        null = conditioner.drop_sound(cond)
        unheard = conditioner(**given, audio_known=torch.tensor([False]))

        def predict(x: Tensor, t: Tensor, c: Conditioning) -> Tensor:
            return x + c.tokens

        change = apply_guidance(predict, cond, null, 2.0)(torch.zeros(1), torch.tensor(0)) - cond.tokens
    torch.testing.assert_close(null.tokens, unheard.tokens)  # what training calls no sound
    assert change[:, :8].abs().min() > 0
    torch.testing.assert_close(change[:, 8:], torch.zeros_like(change[:, 8:]))


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(ConfigError, match="guidance_scale must be at least 0, not -0.5"):
        apply_guidance(eps, 1.0, 0.0, -0.5)


def test_each_part_of_a_condition_has_a_scale_of_its_own() -> None:
    """For a prediction that is linear in its parts, each part is multiplied by its own scale."""
    calls = []

    def predict(x, t, parts):
        calls.append(parts)
        return x + parts[0] + 10 * parts[1]

    x, t = torch.zeros(3), torch.tensor(0)
    both, first, second = (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)
    made = apply_guidances(predict, both, [(second, 3.0), (first, 0.5)])(x, t)
    torch.testing.assert_close(made, torch.full((3,), 3.0 + 0.5 * 10))
    calls.clear()
    plain = apply_guidances(predict, both, [(second, 1.0), (first, 1.0)])(x, t)
    torch.testing.assert_close(plain, predict(x, t, both), rtol=0, atol=0)
    assert calls == [both, both]  # no call for what is not guided
    one = apply_guidances(predict, both, [(second, 4.0)])(x, t)
    torch.testing.assert_close(one, apply_guidance(predict, both, second, 4.0)(x, t))
    with pytest.raises(ConfigError, match="at least 0"):
        apply_guidances(predict, both, [(first, -1.0)])
