import pytest
import torch

from facediff.conditioning.fadm import FADMConditioner, attribute_scale
from facediff.conditioning.fadm_paper import FADMPaperConditioner
from facediff.motion import coefficients


def inputs(frames: int = 2, channels: int = 4, side: int = 8) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return {
        "coarse": torch.randn(frames, channels, side, side, generator=g),
        "mask": torch.rand(frames, 1, side, side, generator=g),
        "maps": torch.rand(frames, 4, 2 * side, 2 * side, generator=g),
        "points": torch.randn(frames, 478, 3, generator=g),
        "rotation": torch.eye(3).expand(frames, 3, 3),
        "attributes": torch.randn(frames, coefficients.DIMENSIONS, generator=g),
    }


@pytest.fixture
def conditioner() -> FADMConditioner:
    torch.manual_seed(0)
    return FADMConditioner(latent_channels=4, gate_channels=8, condition_channels=6, dim=16, residual_scale=0.5).eval()


def test_what_the_denoiser_sees_has_the_channels_that_are_promised(conditioner) -> None:
    cond = conditioner(**inputs())
    maps = conditioner.maps(cond, torch.tensor([1, 500]))
    assert maps.shape[1] + 4 == 3 * 4 + conditioner.extra_channels  # noisy latents beside it
    assert cond.tokens.shape == (2, 1 + 13 + 8 + 1, 16)
    assert (cond.features.shape, cond.attributes.shape) == ((2, 32, 8, 8), (2, coefficients.DIMENSIONS))


def test_what_is_denoised_is_added_to_the_coarse_frame(conditioner) -> None:
    given = inputs()
    cond = conditioner(**given)
    torch.testing.assert_close(cond.latents(torch.ones_like(given["coarse"])), given["coarse"] + 0.5)
    assert not cond.start(given["coarse"]).any()


def test_nothing_moving_is_zero_and_a_wild_number_does_not_open_the_gate(conditioner) -> None:
    given = inputs()
    still = conditioner(**{**given, "attributes": torch.zeros(2, coefficients.DIMENSIONS)})
    assert not still.attributes.any()
    wild = conditioner(**{**given, "attributes": torch.full((2, coefficients.DIMENSIONS), 1e6)})
    assert wild.attributes.max() <= 1
    usual = conditioner(**{**given, "attributes": torch.tensor(attribute_scale()).expand(2, -1)})
    torch.testing.assert_close(usual.attributes, torch.full_like(usual.attributes, 0.7616), atol=1e-4, rtol=0)


def test_a_part_of_the_frames_is_their_conditioning(conditioner) -> None:
    cond = conditioner(**inputs(3))[1:]
    assert len(cond) == 2 and len(cond.features) == 2 and len(cond.attributes) == 2


def test_the_paper_looks_at_picture_and_attributes_alone() -> None:
    torch.manual_seed(0)
    paper = FADMPaperConditioner(attribute_dim=7).eval()
    given = inputs(channels=3, side=32) | {"attributes": torch.zeros(2, 7)}
    given["coarse"] = given["coarse"].sigmoid()
    cond, other = paper(**given), paper(**{**given, "points": given["points"] + 1, "maps": given["maps"] * 0})
    seen, again = (paper.maps(c, torch.tensor([3, 3])) for c in (cond, other))
    assert seen.shape == (2, 3, 32, 32) and cond.tokens.numel() == 0
    torch.testing.assert_close(seen, again)
    torch.testing.assert_close(cond.start(given["coarse"]), given["coarse"])
