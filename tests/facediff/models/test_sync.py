import torch

from facediff.models.sync import SyncNet


def test_embeddings_are_unit_vectors_of_fifteen_frames() -> None:
    net = SyncNet(channels=16, dim=8).eval()
    lips = torch.randn(2, 17, 40, requires_grad=True)
    seen = net.embed_lips(lips)
    assert seen.shape == (2, 8, 40)
    torch.testing.assert_close(seen.norm(dim=1), torch.ones(2, 40))
    seen[0, :, 20].sum().backward()
    touched = lips.grad[0].abs().sum(0).nonzero().flatten().tolist()
    assert touched == list(range(20 - SyncNet.RADIUS, 20 + SyncNet.RADIUS + 1))
    assert net.embed_speech(torch.randn(1, 160, 9)).shape == (1, 8, 9)
