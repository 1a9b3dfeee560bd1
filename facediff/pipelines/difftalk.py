"""DiffTalk as a diffusers pipeline: mouth windows from sound, landmarks, a reference and the masked frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.difftalk import DiffTalkConditionerNetwork
from facediff.diffusion.ddim import DDIM
from facediff.diffusion.guidance import Predict, apply_guidances
from facediff.diffusion.sampler import denoise
from facediff.diffusion.temporal_guidance import apply_temporal_guidance
from facediff.errors import ConfigError
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
    from diffusers import UNet2DConditionModel
    from diffusers.guiders import BaseGuidance
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    from facediff.conditioning.difftalk_paper import DiffTalkPaperConditioner
    from facediff.models.inflation import InflatedUNet
    from facediff.pipelines.published import DiffTalkPipeline as DiffTalkPipeline

__getattr__ = find_on_demand(__name__, {"DiffTalkPipeline": "facediff.pipelines.published"})


class DiffTalkSampler:
    """Paints mouths that fit the sound.

    Source: Shen et al., "DiffTalk: Crafting Diffusion Models for Generalized Audio-Driven Portraits Animation"
    (CVPR 2023). Beside the paper: shared initial noise over the frames of a clip, guidance by dropped sound, any
    diffusers scheduler, and few steps.

    ``DiffTalkPipeline``, in this module too, is the same as a pipeline of diffusers.

    Args:
        codec: Pictures to latents and back: ``FaceCodec`` or an autoencoder of diffusers.
        unet: The denoiser, of pictures or of clips: the frames of a call are one.
        conditioner: The encoders it was trained with; those of the paper make the pipeline the paper's.
        scheduler: Any diffusers scheduler made from the training schedule's config.
    """

    def __init__(
        self,
        codec: Codec,
        unet: UNet2DConditionModel | InflatedUNet | DenoiserUNet,
        conditioner: DiffTalkConditionerNetwork | DiffTalkPaperConditioner,
        scheduler: SchedulerMixin | DDIM,
    ) -> None:
        self.codec, self.unet, self.conditioner, self.scheduler = codec, unet, conditioner, scheduler

    def noise(self, size: tuple[int, int], seed: int) -> Tensor:
        """The initial noise (1, L, h, w) that all frames of a clip share; size is the window's (width, height)."""
        generator = torch.Generator("cpu").manual_seed(seed)
        return torch.randn((1, *latent_shape(self.unet, self.codec, size)), generator=generator)

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
        count = len(frames)
        hidden = torch.where(mask > 0, torch.zeros((), dtype=frames.dtype), frames)
        pictures = move_to(self.unet, torch.cat([hidden, reference])).contiguous(memory_format=torch.channels_last)
        masked, seen = space.encode(self.codec, pictures).chunk(2)
        heard = torch.full((count,), windows is not None, device=seen.device)
        if windows is None:
            config = self.conditioner.config
            windows = torch.zeros(count, config["audio_columns"], config["feature_dim"])
        told = (mask, lips, windows, points, rotation)
        mask, lips, windows, points, rotation = (move_to(self.unet, tensor) for tensor in told)
        cond = self.conditioner(
            masked,
            seen,
            F.avg_pool2d(mask, space.stride(self.codec)),
            lips,
            windows,
            points,
            rotation,
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
        temporal_guidance: float = 1.0,
        lips_guidance: float = 1.0,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> FrameOutput:
        """Paints F windows.

        Args:
            cond: What ``condition`` gave.
            latents: Initial noise (1 or F, L, h, w); one for all frames keeps a clip from flickering.
            num_inference_steps: Network calls a frame, or twice that with guidance.
            guidance_scale: How much more the sound counts than without it; 1 is no guidance.
            guider: Any guider of diffusers in place of ``guidance_scale``, whose negative condition is no sound; see
                ``facediff.diffusion.score_guider`` for one that composes the denoiser with a prior.
            temporal_guidance: Of a denoiser of clips, how much windows follow one another: 1 as it has it, 0 each
                stands alone; see ``facediff.diffusion.temporal_guidance``.
            lips_guidance: How much more the lips that are wanted count than without them; 1 is no guidance.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: Both a guidance scale and a guider are given, guidance by lips beside a guider or guidance by
                time, or the latter where there is none to guide.
        """
        noise = spread_noise(latents, cond.concat)
        sampling = Sampling(
            num_inference_steps=num_inference_steps, guidance_scale=guidance_scale, guider=guider, callback=callback,
            temporal_guidance=temporal_guidance, lips_guidance=lips_guidance,
        )  # fmt: skip
        made = cond.latents(self._sample(cond, noise, sampling))
        return make_output(made, (lambda x: space.decode(self.codec, x)) if decode else None)

    def _sample(self, cond: Conditioning, noise: Tensor, sampling: Sampling) -> Tensor:
        """What is denoised (F, L, h, w) of noise of that shape."""

        def predict(x: Tensor, t: Tensor, c: Conditioning) -> Tensor:
            return run_unet(self.unet, x, c.concat, t, c.tokens)

        conditions = (cond, self.conditioner.drop_sound(cond))
        if sampling.lips_guidance != 1.0:
            denoiser = self._guide_lips(predict, *conditions, sampling)
        elif sampling.temporal_guidance == 1.0:
            denoiser = make_denoiser(predict, self.unet, conditions, self.scheduler, sampling)
        else:
            denoiser = self._guide_time(*conditions, sampling)
        return denoise(
            denoiser,
            noise,
            self.scheduler,
            sampling.num_inference_steps,
            known=cond.known_latents(noise.shape[1]),
            callback=sampling.callback,
        )

    def _guide_lips(
        self, predict: Predict[Conditioning], cond: Conditioning, null: Conditioning, sampling: Sampling
    ) -> Callable[..., Tensor]:
        """The denoiser guided by its sound and by its lips, each by a scale of its own.

        Raises:
            ConfigError: There is a guider, or guidance by time, too.
        """
        if sampling.guider is not None or sampling.temporal_guidance != 1.0:
            raise ConfigError("lips_guidance goes with no guider and no temporal_guidance; leave it at 1")
        without = self.conditioner.drop_lips(cond)
        return apply_guidances(predict, cond, [(null, sampling.guidance_scale), (without, sampling.lips_guidance)])

    def _guide_time(self, cond: Conditioning, null: Conditioning, sampling: Sampling) -> Callable[..., Tensor]:
        """The denoiser of a clip, guided by time and by its sound.

        Raises:
            ConfigError: It is one of pictures, or there is a guider.
        """
        if not hasattr(self.unet, "temporal") or sampling.guider is not None:
            raise ConfigError("temporal guidance is of a denoiser that knows of time, without a guider; leave it at 1")

        def predict(x: Tensor, t: Tensor, told: tuple[Conditioning, bool]) -> Tensor:
            known, is_alone = told
            seen = torch.cat([x, known.concat], dim=1)
            images = len(x) if is_alone else 0
            predicted: Tensor = self.unet(seen, t, known.tokens, images=images, return_dict=False)[0]
            return predicted

        base = cond if sampling.guidance_scale == 1.0 else null
        return apply_temporal_guidance(
            predict, (cond, False), (base, False), (base, True), sampling.guidance_scale, sampling.temporal_guidance
        )
