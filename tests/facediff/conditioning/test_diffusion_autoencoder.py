import math

import torch

from facediff.conditioning.diffusion_autoencoder import (
    COORDINATE_CHANNELS,
    LANDMARKS,
    PLACE_CHANNELS,
    FaceVector,
    coordinate_maps,
    place_maps,
)


def test_51_landmarks_are_told_and_no_jaw() -> None:
    assert len(LANDMARKS) == 51 and 152 not in LANDMARKS
    face = FaceVector(identity_dim=8, hidden=6, face_dim=5).eval()
    identity, points = torch.nn.functional.normalize(torch.randn(2, 8), dim=1), torch.randn(2, 478, 3)
    with torch.no_grad():
        made = face(identity, points)
        chin, depth, nose = (points.clone() for _ in range(3))
        chin[:, 152], depth[..., 2], nose[:, 4] = 9.0, 9.0, 9.0
        assert torch.equal(face(identity, chin), made)
        assert torch.equal(face(identity, depth), made)
        assert not torch.allclose(face(identity, nose), made)
        assert not torch.allclose(face(identity.flip(0), points), made)


def test_maps_hold_parts_coordinates_and_their_waves() -> None:
    parts, coordinates = torch.rand(2, 4, 8, 8), torch.rand(2, 2, 4, 4)
    maps = place_maps(parts, coordinates)
    assert maps.shape == (2, PLACE_CHANNELS, 4, 4)
    assert torch.equal(maps[:, -COORDINATE_CHANNELS:], coordinate_maps(coordinates))
    waves = coordinate_maps(torch.full((1, 2, 1, 1), 0.5))[0, :, 0, 0]
    torch.testing.assert_close(waves[2:4], torch.full((2,), math.sin(math.pi / 2)))
    torch.testing.assert_close(waves[4:6], torch.zeros(2), atol=1e-6, rtol=0)
