import torch

from facediff.models.difftalk import base_schedule, base_unet, paper_codec, paper_schedule, paper_unet


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_paper_has_the_published_shapes() -> None:
    with torch.device("meta"):
        unet, codec = paper_unet(), paper_codec()
        noise = torch.empty(2, 9, 64, 64)
        assert unet(noise, torch.tensor([5, 5]), torch.empty(2, 1, 128)).sample.shape == (2, 3, 64, 64)
        assert codec.encode(torch.empty(1, 3, 256, 256)).latents.shape == (1, 3, 64, 64)
    assert parameters(unet) == 530_152_963
    assert round(parameters(codec) / 1e6, 2) == 55.32


def test_the_papers_noise_levels_are_the_published_ones() -> None:
    betas = paper_schedule().betas
    expected = torch.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2  # of the published code
    torch.testing.assert_close(betas, expected, atol=3e-9, rtol=0)


def test_the_embedded_one_ends_in_pure_noise() -> None:
    schedule = base_schedule()
    assert float(schedule.alphas_cumprod[-1]) < 1e-8
    schedule.set_timesteps(4)
    assert schedule.timesteps.tolist() == [999, 749, 499, 249]


def test_the_embedded_one_is_small() -> None:
    with torch.device("meta"):
        assert parameters(base_unet()) < 8e6
