"""The pipelines that are seen outside, as diffusers has them: saved, loaded, moved and offloaded by its ways.

Each does what the sampler does that it is named after; importing this imports diffusers.
"""

from __future__ import annotations

from typing import Any

from diffusers import DiffusionPipeline, UNet2DConditionModel, UNet2DModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from facediff.audio.encoder import AudioEncoder
from facediff.conditioning.difftalk_paper import DiffTalkPaperConditioner
from facediff.conditioning.fadm_paper import FADMPaperConditioner
from facediff.conditioning.published import DiffTalkConditioner, FADMConditioner
from facediff.models.inflation import InflatedUNet
from facediff.models.latents import Codec
from facediff.models.published import MotionDenoiser
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.pipelines.fadm import FADMSampler
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.speech_motion import MotionSampler


class DiffTalkPipeline(DiffusionPipeline, DiffTalkSampler):
    """See ``facediff.pipelines.difftalk.DiffTalkSampler``."""

    codec: Any  # what is registered may be replaced by any that fits
    unet: Any
    conditioner: Any
    scheduler: Any
    model_cpu_offload_seq = "codec->conditioner->unet->codec"

    def __init__(
        self,
        codec: Codec,
        unet: UNet2DConditionModel | InflatedUNet,
        conditioner: DiffTalkConditioner | DiffTalkPaperConditioner,
        scheduler: SchedulerMixin,
    ) -> None:
        self.register_modules(codec=codec, unet=unet, conditioner=conditioner, scheduler=scheduler)


class FADMPipeline(DiffusionPipeline, FADMSampler):
    """See ``facediff.pipelines.fadm.FADMSampler``."""

    codec: Any  # what is registered may be replaced by any that fits
    unet: Any
    conditioner: Any
    scheduler: Any
    model_cpu_offload_seq = "codec->conditioner->unet->codec"
    _optional_components = ["codec"]

    def __init__(
        self,
        unet: UNet2DConditionModel | UNet2DModel,
        conditioner: FADMConditioner | FADMPaperConditioner,
        scheduler: SchedulerMixin,
        codec: Codec | None = None,
    ) -> None:
        self.register_modules(codec=codec, unet=unet, conditioner=conditioner, scheduler=scheduler)


class MotionPipeline(DiffusionPipeline, MotionSampler):
    """See ``facediff.pipelines.speech_motion.MotionSampler``."""

    denoiser: Any
    scheduler: Any

    def __init__(
        self,
        denoiser: MotionDenoiser,
        scheduler: SchedulerMixin,
        encoder: AudioEncoder,
        filler: MotionFiller | None = None,
    ) -> None:
        self.register_modules(denoiser=denoiser, scheduler=scheduler)
        self._encoder, self._filler = encoder, filler
