"""FADM as a diffusers pipeline: a coarse animation, refined by a diffusion model that knows what was to move."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from facediff.conditioning.fadm import FADMConditionerNetwork, GatedConditioning
from facediff.diffusion.ddim import DDIM
from facediff.diffusion.noise_priors import frame_noise
from facediff.diffusion.sampler import denoise
from facediff.models import latents as space
from facediff.models.latents import Codec
from facediff.models.placement import move_to
from facediff.models.unet import DenoiserUNet
from facediff.pipelines.shared import (
    FrameOutput,
    Sampling,
    latent_shape,
    make_denoiser,
    make_output,
    run_unet,
    spread_noise,
)
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel, UNet2DModel
    from diffusers.guiders import BaseGuidance
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    from facediff.conditioning.fadm_paper import FADMPaperConditioner
    from facediff.pipelines.published import FADMPipeline as FADMPipeline

__getattr__ = find_on_demand(__name__, {"FADMPipeline": "facediff.pipelines.published"})


class FADMSampler:
    """Repairs what a coarse animation cannot know: mouths, lids, cheeks that come into sight.

    Source: Zeng et al., "Face Animation with an Attribute-Guided Diffusion Model" (CVPR Workshops 2023). As there, one
    initial noise serves all frames of a video, and so does the noise of every step. Beside the paper: any diffusers
    scheduler, few steps, and latents.

    ``FADMPipeline``, in this module too, is the same as a pipeline of diffusers.

    Args:
        unet: The denoiser.
        conditioner: What it was trained with; that of the paper makes the pipeline the paper's.
        scheduler: Any diffusers scheduler made from the training schedule's config.
        codec: Pictures to latents and back; None for a denoiser of pictures, whose latents are pictures in [0, 1].
    """

    def __init__(
        self,
        unet: UNet2DConditionModel | UNet2DModel | DenoiserUNet,
        conditioner: FADMConditionerNetwork | FADMPaperConditioner,
        scheduler: SchedulerMixin | DDIM,
        codec: Codec | None = None,
    ) -> None:
        self.codec, self.unet, self.conditioner, self.scheduler = codec, unet, conditioner, scheduler

    def noise(self, size: tuple[int, int], seed: int, step: int = 0) -> Tensor:
        """Noise (1, L, h, w) that all frames of a video share; size is the crop's (width, height).

        Args:
            size: Of the crop.
            seed: Of the video.
            step: 0 for the initial noise, else that of a step.
        """
        return frame_noise("shared", latent_shape(self.unet, self.codec, size), 1, seed + step)

    def encode(self, images: Tensor) -> Tensor:
        """Latents (F, L, h, w) of pictures (F, 3, H, W) in [-1, 1]."""
        images = move_to(self.unet, images).contiguous(memory_format=torch.channels_last)
        return (images + 1) / 2 if self.codec is None else space.encode(self.codec, images)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (F, 3, H, W), about in [-1, 1], of latents."""
        return latents.clamp(0, 1) * 2 - 1 if self.codec is None else space.decode(self.codec, latents)

    @torch.inference_mode()
    def condition(
        self,
        coarse: Tensor,
        mask: Tensor,
        maps: Tensor,
        points: Tensor,
        rotation: Tensor,
        attributes: Tensor,
    ) -> GatedConditioning:
        """Conditioning of F frames.

        Args:
            coarse: Crops (F, 3, H, W) in [-1, 1] of the coarse animation.
            mask: (F, 1, H, W) in [0, 1], 1 where it may be changed.
            maps: Face maps (F, 4, H/4, W/4) in [0, 1]; see ``facediff.landmarks.raster.draw_face``.
            points: Landmarks (F, 478, 3) wanted, in eye distances from the crop's anchor.
            rotation: Head rotation (F, 3, 3) wanted.
            attributes: (F, A) how the source's motion differs from the one wanted: source less driving.
        """
        latents = self.encode(coarse)
        area = F.interpolate(mask, size=latents.shape[-2:], mode="area")
        told = (area, maps, points, rotation, attributes)
        return self.conditioner(latents, *(move_to(self.unet, tensor) for tensor in told))

    @torch.inference_mode()
    def __call__(
        self,
        cond: GatedConditioning,
        latents: Tensor,
        *,
        num_inference_steps: int = 2,
        strength: float = 1.0,
        eta: float = 0.0,
        seed: int = 0,
        guider: BaseGuidance | None = None,
        null: GatedConditioning | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> FrameOutput:
        """Refines F frames.

        Args:
            cond: What ``condition`` gave.
            latents: Initial noise (1 or F, L, h, w); one for all frames keeps a video from flickering.
            num_inference_steps: Steps over all noise levels.
            strength: Share of the levels that is run through, from the noised coarse frame on.
            eta: Noise that DDIM adds at each step; 1 is the paper's ancestral sampling.
            seed: Of that noise, which all frames share.
            guider: Any guider of diffusers; see ``facediff.diffusion.score_guider`` for one that composes the denoiser
                with a prior.
            null: The guider's negative condition, where it wants one: what ``condition`` gives of other attributes.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: The guider wants a negative condition that there is not.
        """
        noise = spread_noise(latents, cond.features)

        def predict(x: Tensor, t: Tensor, c: GatedConditioning) -> Tensor:
            maps = self.conditioner.maps(c, t.expand(len(x)).to(x.device))
            tokens = (c.tokens,) if self.unet.config.get("cross_attention_dim") else ()  # those of the paper take none
            return run_unet(self.unet, x, maps, t, *tokens)

        def step_noise(index: int) -> Tensor:
            return frame_noise("shared", tuple(noise.shape[1:]), len(noise), seed + index + 1).to(noise)

        sampling = Sampling(num_inference_steps=num_inference_steps, guider=guider)
        made = denoise(
            make_denoiser(predict, self.unet, (cond, null), self.scheduler, sampling),
            noise,
            self.scheduler,
            num_inference_steps,
            start=cond.start(noise) if strength < 1 else None,
            strength=strength,
            eta=eta,
            step_noise=step_noise if eta else None,
            callback=callback,
        )
        return make_output(cond.latents(made), self.decode if decode else None)
