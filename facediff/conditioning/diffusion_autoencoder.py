"""What the denoiser of Diffusion Video Autoencoders is told: one vector of the face, and where its parts are."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facediff.landmarks.raster import FACE_MAPS
from facediff.landmarks.sixty_eight import MESH_OF_68
from facediff.models.identity import COORDINATE_CHANNELS, coordinate_maps

LANDMARKS = MESH_OF_68[17:]  # the jaw is left out, as in the paper, since it is the person's more than the moment's
MAP_FOLD = 2  # face maps have a quarter of the crop's resolution, latents an eighth


class FaceVector(ModelMixin, ConfigMixin):
    """Identity and landmarks to the vector that modulates the denoiser.

    Source: Kim et al., "Diffusion Video Autoencoders" (CVPR 2023), section 3.1: one linear layer from 512 + 102 to 512
    in the published code (``hidden`` None, ``landmark_dim`` 2), an MLP in the text and here.

    Args:
        identity_dim: Of the identity vector.
        landmark_dim: Coordinates of each of the 51 landmarks.
        hidden: Width between the two layers; None for a single layer.
        face_dim: Of the vector made.
    """

    indices: Tensor

    @register_to_config
    def __init__(
        self, identity_dim: int = 256, landmark_dim: int = 2, hidden: int | None = 256, face_dim: int = 192
    ) -> None:
        super().__init__()
        self.register_buffer("indices", torch.from_numpy(LANDMARKS.copy()), persistent=False)
        given = identity_dim + landmark_dim * len(LANDMARKS)
        if hidden is None:
            self.mix: nn.Module = nn.Linear(given, face_dim)
        else:
            self.mix = nn.Sequential(nn.Linear(given, hidden), nn.SiLU(), nn.Linear(hidden, face_dim))

    def forward(self, identity: Tensor, points: Tensor) -> Tensor:
        """Vectors (B, face_dim) of identities (B, identity_dim) of length 1, and of landmarks (B, 478, 2 or 3).

        The landmarks are in eye distances from the crop's anchor.
        """
        # At length 1 each component is small; the layers want them near 1.
        own = identity * math.sqrt(self.config["identity_dim"])
        seen = points[:, self.indices, : self.config["landmark_dim"]].flatten(1)
        return self.mix(torch.cat([own, seen], dim=1))


def place_maps(parts: Tensor, coordinates: Tensor) -> Tensor:
    """Maps (B, PLACE_CHANNELS, h, w) that tell a denoiser which part of the face each latent shows.

    Args:
        parts: (B, 4, 2h, 2w) in [0, 1], see ``facediff.landmarks.raster.draw_face``.
        coordinates: (B, 2, h, w), see ``facediff.landmarks.correspondence.face_coordinates``.
    """
    return torch.cat([F.pixel_unshuffle(parts, MAP_FOLD), coordinate_maps(coordinates)], dim=1)


PLACE_CHANNELS = FACE_MAPS * MAP_FOLD**2 + COORDINATE_CHANNELS
