"""Diffusion Video Autoencoders as a diffusers pipeline: who it is, where its parts are, and the noise of each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DiffusionPipeline
from diffusers.guiders import BaseGuidance
from torch import Tensor

from facediff.conditioning.diffusion_autoencoder import FaceVector, place_maps
from facediff.diffusion.inversion import invert
from facediff.diffusion.sampler import denoise
from facediff.models import latents as space
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.identity import IdentityEncoder, coordinate_maps
from facediff.models.latents import Codec
from facediff.models.placement import move_to
from facediff.pipelines.shared import FrameOutput, Sampling, make_denoiser, make_output


@dataclass(frozen=True)
class FaceLayout:
    """Where the parts of a face are in F crops.

    Attributes:
        points: Landmarks (F, 478, 3), in eye distances from the crop's anchor.
        parts: (F, 4, H/4, W/4) in [0, 1], see ``facediff.landmarks.raster.draw_face``.
        coordinates: (F, 2, H/8, W/8), see ``facediff.landmarks.correspondence.face_coordinates``.
    """

    points: Tensor
    parts: Tensor
    coordinates: Tensor

    def __len__(self) -> int:
        return len(self.points)


class DiffusionVideoAutoencoderPipeline(DiffusionPipeline):
    """Encodes face crops into identity and noise, and decodes them, with another identity if one is wanted.

    Source: Kim et al., "Diffusion Video Autoencoders: Toward Temporally Consistent Face Video Editing via Disentangled
    Video Encoding" (CVPR 2023). Both ways are deterministic. Beside the paper: latents, an identity encoder that is
    trained along, maps of where lips, eyes and the face's surface are, few steps, and no clipping on the way up.

    Args:
        unet: The denoiser. One of pictures has no codec, and one without maps is not shown any.
        face: Identity and landmarks to the denoiser's vector.
        scheduler: DDIM with the noise levels of training.
        identity: Who a face is; None where identity vectors come from a network of the user's.
        codec: Pictures to latents and back; None for a denoiser of pictures in [-1, 1].
    """

    model_cpu_offload_seq = "codec->identity->face->unet->codec"
    _optional_components = ["identity", "codec"]

    def __init__(
        self,
        unet: DualModulationUNet,
        face: FaceVector,
        scheduler: DDIMScheduler,
        identity: IdentityEncoder | None = None,
        codec: Codec | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(codec=codec, identity=identity, face=face, unet=unet, scheduler=scheduler)

    @torch.inference_mode()
    def latents(self, images: Tensor) -> Tensor:
        """Latents (F, L, h, w) of pictures (F, 3, H, W) in [-1, 1]."""
        images = move_to(self.unet, images).contiguous(memory_format=torch.channels_last)
        return images if self.codec is None else space.encode(self.codec, images)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (F, 3, H, W), about in [-1, 1], of latents; gradients may flow back."""
        return latents if self.codec is None else space.decode(self.codec, latents)

    @torch.inference_mode()
    def identify(self, latents: Tensor, face_layout: FaceLayout) -> Tensor:
        """Identity vectors (F, D) of length 1, one a frame; ``video_identity`` makes one of them."""
        maps = coordinate_maps(move_to(self.unet, face_layout.coordinates))
        return self.identity(latents, maps if self.identity.config["map_channels"] else None)

    @torch.inference_mode()
    def encode(
        self,
        latents: Tensor,
        identity: Tensor,
        face_layout: FaceLayout,
        *,
        num_inference_steps: int = 20,
        fixed_point_steps: int = 1,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """The noise (F, L, h, w) of which ``__call__`` makes the latents again.

        Args:
            latents: Of F frames.
            identity: (D,), the video's.
            face_layout: Of those frames.
            num_inference_steps: As later in ``__call__``.
            fixed_point_steps: See ``facediff.diffusion.inversion.invert``.
            callback: Called after each step with its index, its timestep and the latents.
        """
        return invert(
            self.predictor(identity, face_layout),
            latents,
            self.scheduler,
            num_inference_steps,
            fixed_point_steps=fixed_point_steps,
            callback=callback,
        )

    @torch.inference_mode()
    def __call__(
        self,
        noise: Tensor,
        identity: Tensor,
        face_layout: FaceLayout,
        *,
        num_inference_steps: int = 20,
        guider: BaseGuidance | None = None,
        null_identity: Tensor | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> FrameOutput:
        """Decodes F frames.

        Args:
            noise: What ``encode`` gave, (F, L, h, w).
            identity: (D,) of length 1, the video's or an edited one.
            face_layout: Of those frames.
            num_inference_steps: As in ``encode``.
            guider: Any guider of diffusers; see ``facediff.diffusion.score_guider`` for one that composes the denoiser
                with a prior.
            null_identity: (D,), the guider's negative condition, where it wants one.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: The guider wants a negative condition that there is not.
        """
        conditions = (
            self.predictor(identity, face_layout),
            None if null_identity is None else self.predictor(null_identity, face_layout),
        )
        sampling = Sampling(num_inference_steps=num_inference_steps, guider=guider)
        denoiser = make_denoiser(lambda x, t, asked: asked(x, t), self.unet, conditions, self.scheduler, sampling)
        made = denoise(denoiser, move_to(self.unet, noise), self.scheduler, num_inference_steps, callback=callback)
        return make_output(made, self.decode if decode else None)

    def predictor(self, identity: Tensor, face_layout: FaceLayout) -> Callable[[Tensor, Tensor], Tensor]:
        """The denoiser of frames under an identity (D,), which gradients may flow back to."""
        told = (identity, face_layout.points, face_layout.parts, face_layout.coordinates)
        identity, points, parts, coordinates = (move_to(self.unet, tensor) for tensor in told)
        face = self.face(identity.expand(len(face_layout), -1), points)
        maps = place_maps(parts, coordinates) if self.unet.config["map_channels"] else None

        def predict(x: Tensor, t: Tensor) -> Tensor:
            noisy = move_to(self.unet, x).contiguous(memory_format=torch.channels_last)
            return self.unet(noisy, t.expand(len(x)).to(noisy.device), face, maps).to(x)

        return predict


def video_identity(vectors: Tensor) -> Tensor:
    """One identity (D,) of length 1 for a video, from those of its frames (F, D): their mean direction."""
    return F.normalize(vectors.mean(dim=0), dim=0)
