import torch

from facediff.models.codec import FaceCodec


def test_latents_have_an_eighth_of_the_resolution_and_come_back() -> None:
    codec = FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16)
    images = torch.rand(2, 3, 160, 192) * 2 - 1
    latents = codec.encode(images)
    assert latents.shape == (2, 4, 20, 24)
    assert codec.decode(latents).shape == images.shape


def test_statistics_in_the_config_shift_and_scale_latents_and_cancel_in_decoding(tmp_path) -> None:
    torch.manual_seed(0)
    sizes = {"latent_channels": 4, "fine_channels": 8, "coarse_channels": 16}
    plain = FaceCodec(**sizes)
    scaled = FaceCodec(**sizes, latents_mean=[1.0, 2.0, 3.0, 4.0], latents_std=[2.0] * 4)
    scaled.load_state_dict(plain.state_dict())
    images = torch.rand(1, 3, 32, 32)
    wanted = (plain.encode(images) - torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)) / 2
    torch.testing.assert_close(scaled.encode(images), wanted)
    torch.testing.assert_close(scaled(images), plain(images))
    scaled.save_pretrained(tmp_path)
    torch.testing.assert_close(FaceCodec.from_pretrained(tmp_path).encode(images), wanted)


def test_without_gradients_it_gives_the_same_and_writes_to_nothing_of_the_callers() -> None:
    torch.manual_seed(0)
    codec = FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16)
    for parameter in codec.parameters():
        torch.nn.init.normal_(parameter, std=0.1)  # of fresh blocks the second half is 0
    images = torch.rand(1, 3, 32, 32)
    given, wanted = images.clone(), codec(images)
    with torch.inference_mode():
        torch.testing.assert_close(codec(images), wanted, atol=1e-5, rtol=0)  # sums in another order
    assert torch.equal(images, given)
    wanted.sum().backward()
    assert all(parameter.grad is not None for parameter in codec.parameters())
