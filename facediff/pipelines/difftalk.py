"""DiffTalk as a diffusers pipeline: mouth windows from sound, landmarks, a reference and the masked frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import DiffusionPipeline, UNet2DConditionModel
from diffusers.guiders import BaseGuidance
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import BaseOutput
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.difftalk_paper import DiffTalkPaperConditioner
from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.guiders import apply_guider, refuse_scale_beside
from facediff.diffusion.sampler import denoise
from facediff.models import latents as space
from facediff.models.latents import Codec


@dataclass
class DiffTalkOutput(BaseOutput):
    """What the pipeline gives.

    Attributes:
        images: Windows (F, 3, H, W) in [-1, 1].
        latents: Their latents (F, L, h, w).
    """

    images: Tensor
    latents: Tensor


class DiffTalkPipeline(DiffusionPipeline):
    """Paints mouths that fit the sound.

    Source: Shen et al., "DiffTalk: Crafting Diffusion Models for Generalized Audio-Driven Portraits Animation"
    (CVPR 2023). Beside the paper: shared initial noise over the frames of a clip, guidance by dropped sound, any
    diffusers scheduler, and few steps.

    Args:
        codec: Pictures to latents and back: ``FaceCodec`` or an autoencoder of diffusers.
        unet: The denoiser.
        conditioner: The encoders it was trained with; those of the paper make the pipeline the paper's.
        scheduler: Any diffusers scheduler made from the training schedule's config.
    """

    model_cpu_offload_seq = "codec->conditioner->unet->codec"

    def __init__(
        self,
        codec: Codec,
        unet: UNet2DConditionModel,
        conditioner: DiffTalkConditioner | DiffTalkPaperConditioner,
        scheduler: SchedulerMixin,
    ) -> None:
        super().__init__()
        self.register_modules(codec=codec, unet=unet, conditioner=conditioner, scheduler=scheduler)

    def noise(self, size: tuple[int, int], seed: int) -> Tensor:
        """The initial noise (1, L, h, w) that all frames of a clip share; size is the window's (width, height)."""
        generator = torch.Generator("cpu").manual_seed(seed)
        stride = space.stride(self.codec)
        shape = (1, self.unet.config["out_channels"], size[1] // stride, size[0] // stride)
        return torch.randn(shape, generator=generator)

    @torch.inference_mode()
    def condition(
        self,
        frames: Tensor,
        reference: Tensor,
        mask: Tensor,
        lips: Tensor,
        points: Tensor,
        rotation: Tensor,
        windows: Tensor | None,
        *,
        lips_known: bool = True,
    ) -> tuple[Conditioning, Tensor]:
        """Conditioning of F frames, and the latents of the references.

        Args:
            frames: Windows (F, 3, H, W) in [-1, 1]; what ``mask`` covers is not looked at.
            reference: Windows that show who it is, warped to the frames' landmarks, same shape.
            mask: (F, 1, H, W) in {0, 1}, 1 where to paint.
            lips: Lip maps (F, 2, H/2, W/2) in [0, 1].
            points: Landmarks (F, 478, 3) in eye distances from the window's anchor.
            rotation: Head rotation (F, 3, 3).
            windows: Speech features (F, columns, dim); None for no sound.
            lips_known: False lets the sound alone decide on the lips.
        """
        device, dtype = self.unet.device, self.unet.dtype
        move = {"device": device, "dtype": dtype}
        hidden = torch.where(mask > 0, torch.zeros((), dtype=frames.dtype), frames)
        pictures = torch.cat([hidden, reference]).to(**move).contiguous(memory_format=torch.channels_last)
        masked, seen = space.encode(self.codec, pictures).chunk(2)
        count = len(frames)
        if windows is None:
            config = self.conditioner.config
            windows = torch.zeros(count, config["audio_columns"], config["feature_dim"])
            heard = torch.zeros(count, dtype=torch.bool, device=device)
        else:
            heard = torch.ones(count, dtype=torch.bool, device=device)
        cond = self.conditioner(
            masked,
            seen,
            F.avg_pool2d(mask.to(**move), space.stride(self.codec)),
            lips.to(**move),
            windows.to(**move),
            points.to(**move),
            rotation.to(**move),
            audio_known=heard,
            lips_known=torch.full_like(heard, lips_known),
        )
        return cond, seen

    @torch.inference_mode()
    def __call__(
        self,
        cond: Conditioning,
        latents: Tensor,
        *,
        num_inference_steps: int = 2,
        guidance_scale: float = 1.0,
        guider: BaseGuidance | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> DiffTalkOutput:
        """Paints F windows.

        Args:
            cond: What ``condition`` gave.
            latents: Initial noise (1 or F, L, h, w); one for all frames keeps a clip from flickering.
            num_inference_steps: Network calls a frame, or twice that with guidance.
            guidance_scale: How much more the sound counts than without it; 1 is no guidance.
            guider: Any guider of diffusers in place of ``guidance_scale``, whose negative condition is no sound; see
                ``facediff.diffusion.score_guider`` for one that composes the denoiser with a prior.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: Both a guidance scale and a guider are given.
        """
        noise = latents.to(cond.concat.device, cond.concat.dtype).expand(len(cond), -1, -1, -1)

        def predict(x: Tensor, t: Tensor, c: Conditioning) -> Tensor:
            x = torch.cat([x, c.concat], dim=1).contiguous(memory_format=torch.channels_last)
            return self.unet(x, t, c.tokens, return_dict=False)[0]

        without = self.conditioner.drop_sound(cond)
        if guider is None:
            denoiser = apply_guidance(predict, cond, without, guidance_scale)
        else:
            refuse_scale_beside(guider, guidance_scale)
            denoiser = apply_guider(guider, predict, self.unet, (cond, without), self.scheduler, num_inference_steps)
        result = denoise(
            denoiser,
            noise,
            self.scheduler,
            num_inference_steps,
            known=cond.known_latents(noise.shape[1]),
            callback=callback,
        )
        result = cond.latents(result)
        images = space.decode(self.codec, result) if decode else result.new_zeros(0)
        return DiffTalkOutput(images=images, latents=result)
