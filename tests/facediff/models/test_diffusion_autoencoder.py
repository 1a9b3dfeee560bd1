import pytest
import torch

from facediff.conditioning.diffusion_autoencoder import PLACE_CHANNELS, FaceVector
from facediff.models.diffusion_autoencoder import (
    DualModulationUNet,
    base_schedule,
    base_unet,
    paper_schedule,
    paper_unet,
)
from facediff.models.modulation import DualModulationBlock, modulate


def tiny(**changes) -> DualModulationUNet:
    torch.manual_seed(0)
    options = {
        "in_channels": 4, "block_out_channels": (8, 16), "attention_head_dim": 4, "time_dim": 8, "face_dim": 6,
        "norm_num_groups": 4,
    } | changes  # fmt: skip
    unet = DualModulationUNet(**options).eval()
    for weight in unet.parameters():  # zero layers would hide what goes in
        torch.nn.init.normal_(weight, std=0.2)
    return unet


def count(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_the_paper_configuration_has_the_published_size() -> None:
    """190.9 M trainable weights: the denoiser and the one linear layer before it."""
    with torch.device("meta"):
        unet = paper_unet()
        linear = FaceVector(identity_dim=512, landmark_dim=2, hidden=None, face_dim=512)
        made = unet(torch.empty(1, 3, 256, 256), 5, torch.empty(1, 512))
    assert made.shape == (1, 3, 256, 256)
    assert count(unet) == 190_576_643
    assert count(unet) + count(linear) == 190_891_523
    assert paper_schedule().config["prediction_type"] == "epsilon"


def test_the_embedded_configuration_takes_latents_of_a_face() -> None:
    unet = base_unet(PLACE_CHANNELS)
    assert count(unet) < 2.6e6
    face, maps = torch.zeros(1, 192), torch.zeros(1, PLACE_CHANNELS, 28, 28)
    assert unet(torch.zeros(1, 12, 28, 28), 5, face, maps).shape == (1, 12, 28, 28)
    # What is inverted up to the last level must come back from it.
    assert 0 < float(base_schedule().alphas_cumprod[-1]) < 1e-4


def test_noise_level_face_and_picture_all_tell() -> None:
    unet, g = tiny(), torch.Generator().manual_seed(2)
    x, face = torch.randn(2, 4, 8, 8, generator=g), torch.randn(2, 6, generator=g)
    with torch.no_grad():
        made = unet(x, 10, face)
        assert not torch.allclose(made, unet(x, 900, face))
        assert not torch.allclose(made, unet(x, 10, face + 1))
        assert not torch.allclose(made, unet(x + 1, 10, face))
        torch.testing.assert_close(unet(x, torch.tensor([10, 900]), face)[:1], made[:1], rtol=1e-4, atol=1e-4)


def test_gradients_reach_every_weight() -> None:
    unet = tiny()
    unet(torch.randn(2, 4, 8, 8), 3, torch.randn(2, 6)).square().mean().backward()
    assert all(weight.grad is not None for weight in unet.parameters())


def test_a_save_and_a_load_give_the_same(tmp_path) -> None:
    unet = tiny(map_channels=3)
    unet.save_pretrained(tmp_path)
    again = DualModulationUNet.from_pretrained(tmp_path).eval()
    given = torch.randn(1, 4, 8, 8), 7, torch.randn(1, 6), torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(unet(*given), again(*given), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(unet.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize(("resample", "side"), [("down", 4), (None, 8), ("up", 16)])
def test_a_block_starts_as_its_skip(resample: str | None, side: int) -> None:
    block = DualModulationBlock(4, 4, 6, 5, groups=2, resample=resample)
    x = torch.ones(1, 4, 8, 8)
    made = block(x, torch.randn(1, 6), torch.randn(1, 5))
    assert torch.equal(made, torch.ones(1, 4, side, side))


def test_modulation_scales_and_shifts() -> None:
    x = torch.full((1, 2, 3, 3), 2.0)
    made = modulate(x, torch.tensor([[0.5, -1.0, 10.0, 20.0]]))
    assert torch.equal(made[0, :, 0, 0], torch.tensor([13.0, 20.0]))
