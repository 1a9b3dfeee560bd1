import torch

from facediff.models.identity import IdentityEncoder


def test_vectors_have_length_one_and_depend_on_latents_and_maps() -> None:
    torch.manual_seed(0)
    encoder = IdentityEncoder(4, 3, (8, 16), (2, 2), dim=10, norm_num_groups=4).eval()
    x, maps = torch.randn(3, 4, 8, 8), torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        found = encoder(x, maps)
        torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
        assert not torch.allclose(found, encoder(x.flip(0), maps))
        assert not torch.allclose(found, encoder(x, maps.flip(0)))


def test_any_size_is_taken() -> None:
    encoder = IdentityEncoder(4, 0, (8, 16), (2, 2), dim=10, norm_num_groups=4)
    assert encoder(torch.randn(1, 4, 28, 20)).shape == (1, 10)
