"""DiffTalk with a small model of one domain in front of its large denoiser: Video-Adapter on mouth windows."""

from __future__ import annotations

import copy
from dataclasses import replace

from diffusers import UNetMotionModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.diffusion.guiders import refuse_scale_beside
from facediff.errors import ConfigError
from facediff.models.latents import Codec
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.shared import Sampling
from facediff.pipelines.video_adapter import Mix, VideoAdapterPipeline
from facediff.pipelines.video_denoisers import ClipCondition, VideoDenoiser


class AdaptedTalkPipeline(DiffTalkPipeline):
    """Paints mouths as DiffTalk does, by the scores of a small model and a prior that are added up at each step.

    Source: Yang et al., "Probabilistic Adaptation of Text-to-Video Models" (Video-Adapter, ICLR 2024).

    Args:
        codec: See ``DiffTalkPipeline``.
        unet: The prior, of clips; see ``facediff.models.space_time.space_time_prior``, or any of ``VideoDenoiser`` that
            was trained on mouths.
        conditioner: The encoders of both.
        scheduler: See ``DiffTalkPipeline``.
        small: The model of the domain.
        captions: The words that it knows.
        prior_captions: Those that the prior knows.
        prior_scheduler: The prior's training schedule; None where it is the small model's.

    Raises:
        ConfigError: The two do not go together.
    """

    _optional_components = ["prior_scheduler"]

    def __init__(
        self,
        codec: Codec,
        unet: VideoDenoiser,
        conditioner: DiffTalkConditioner,
        scheduler: SchedulerMixin,
        small: UNetMotionModel,
        captions: CaptionEncoder,
        prior_captions: CaptionEncoder,
        prior_scheduler: SchedulerMixin | None = None,
    ) -> None:
        super().__init__(codec, unet, conditioner, scheduler)  # type: ignore[arg-type]
        self.register_modules(
            small=small, captions=captions, prior_captions=prior_captions, prior_scheduler=prior_scheduler
        )
        self.mix, self.caption = Mix(), ""
        VideoAdapterPipeline(small, unet, scheduler, prior_scheduler)  # refuses what does not go together

    def with_mix(self, mix: Mix, caption: str = "") -> AdaptedTalkPipeline:
        """The same networks, composed in another way, or told something about the clip.

        Raises:
            ConfigError: None of the words is known.
        """
        known = {*self.captions.find_known(caption), *self.prior_captions.find_known(caption)}
        if caption and not known:
            words = sorted({*self.captions.config["vocabulary"], *self.prior_captions.config["vocabulary"]})
            told = f"it knows {', '.join(words)}" if words else "it was trained without captions"
            raise ConfigError(f"the model knows no word of {caption!r}; {told}")
        other = copy.copy(self)
        other.mix, other.caption = mix, caption
        return other

    mixed = with_mix  # as it was called; for one release

    def _sample(self, cond: Conditioning, noise: Tensor, sampling: Sampling) -> Tensor:
        """As DiffTalk's, of F windows that are one clip. A guider takes the mix's place."""
        scale, guider = sampling.guidance_scale, sampling.guider
        if sampling.temporal_guidance != 1.0:
            raise ConfigError("two denoisers that are composed are not guided by time; leave temporal_guidance at 1")
        if sampling.lips_guidance != 1.0:
            raise ConfigError("two denoisers that are composed are not guided by lips; leave lips_guidance at 1")
        if guider is not None:
            refuse_scale_beside(guider, scale)
        without = None if guider is None and scale == 1.0 else self.conditioner.drop_sound(cond)
        adapter = VideoAdapterPipeline(self.small, self.unet, self.scheduler, self.prior_scheduler)
        clips = [
            None if known is None else self._clip(known, words)
            for words in (self.captions, self.prior_captions)
            for known in (cond, without)
        ]
        made = adapter(
            *clips,  # type: ignore[arg-type]
            mix=replace(self.mix, guidance_scale=scale) if guider is None else None,
            guider=guider,
            num_inference_steps=sampling.num_inference_steps,
            latents=noise.transpose(0, 1)[None],
            decode=False,
            callback=sampling.callback,
        ).latents
        return made[0].transpose(0, 1)

    def _clip(self, cond: Conditioning, words: CaptionEncoder) -> ClipCondition:
        """What F frames are conditioned on as one clip, with what is said about it."""
        said = words(words.bag([self.caption]))
        return ClipCondition(cond.tokens + said.to(cond.tokens), cond.concat.transpose(0, 1)[None])
