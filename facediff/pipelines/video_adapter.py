"""Video-Adapter as a diffusers pipeline: a small model of one domain, composed with a large prior as it samples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from diffusers.guiders import BaseGuidance
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from facediff.diffusion.guiders import apply_guider
from facediff.diffusion.langevin import run_langevin
from facediff.diffusion.noise_levels import alpha_at, prediction_kind, scale
from facediff.diffusion.prediction import to_epsilon
from facediff.diffusion.sampler import denoise
from facediff.diffusion.score_composition import Composed, Expert, compose_normalised, compose_product
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.diffusion.strength import Strength
from facediff.diffusion.windows import Window
from facediff.errors import ConfigError
from facediff.models import video_latents as space
from facediff.models.video_latents import VideoCodec
from facediff.pipelines.compatibility import Side, VideoShape, check_compatibility
from facediff.pipelines.long_clips import TIME, Known, Windows, cut_condition, merge_windows, sample_in_order
from facediff.pipelines.video_denoisers import (
    ClipCondition,
    VideoDenoiser,
    make_predictor,
    max_frames,
    subtract_no_noise,
)

FORMS = {"product": compose_product, "normalised": compose_normalised}
MEMORYLESS = (DDIMScheduler, DDPMScheduler, FlowMatchEulerDiscreteScheduler)
_Pair = tuple[ClipCondition, ClipCondition | None]


@dataclass(frozen=True)
class Mix:
    """How the two are composed; see ``facediff.diffusion.score_composition``.

    Attributes:
        strength: γ of the prior, or of the small model in the inverse form, by the noise level t/T.
        guidance_scale: ω of the small model, or of the prior in the inverse form; at 1 no null is needed.
        form: ``normalised`` or ``product``, which is the paper's.
        inverse: Swap the roles: the prior is adapted by the small model.
        held_levels: Noise levels that an output of the prior serves.
        refining_steps: Langevin steps at each level.
        step_size: Of those, over the variance of the noise.
    """

    strength: Strength = 0.3
    guidance_scale: Strength = 1.0
    form: str = "normalised"
    inverse: bool = False
    held_levels: int = 1
    refining_steps: int = 0
    step_size: float = 0.2

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ConfigError(f"scores are composed in one of the forms {', '.join(FORMS)}, not {self.form!r}")
        if self.held_levels > 1 and self.refining_steps > 0:
            raise ConfigError("refining needs the prior at every step; hold its output, or refine, not both")


@dataclass
class VideoAdapterOutput(BaseOutput):
    """What the pipeline gives.

    Attributes:
        videos: Clips (B, 3, F, H, W), about in [-1, 1]; empty without a codec.
        latents: Their latents (B, L, f, h, w).
    """

    videos: Tensor
    latents: Tensor


class VideoAdapterPipeline(DiffusionPipeline):
    """Samples clips from a small model of one domain times a prior that knows many.

    Source: Yang et al., "Probabilistic Adaptation of Text-to-Video Models" (Video-Adapter, ICLR 2024). Beside the
    paper: a form whose coefficients sum to 1, strengths by level, held outputs, priors of other kinds of prediction.

    Args:
        small: The model of the domain; ``facediff.models.space_time`` or any of ``VideoDenoiser``.
        prior: The large one.
        scheduler: Any diffusers scheduler made from the small model's training schedule; it is the one that steps.
        prior_scheduler: The prior's training schedule; None where it is the small one's.
        codec: Clips to latents and back.
        prior_codec: The prior's, to be compared; None where it is the same.
        clip: The shape of the small model's clips, or the same as a dict.
        prior_clip: That of the prior's; None where nobody says.

    Raises:
        ConfigError: The two do not go together; see ``facediff.pipelines.compatibility``.
    """

    model_cpu_offload_seq = "small->prior->codec"
    _optional_components = ["prior_scheduler", "codec", "prior_codec"]

    def __init__(
        self,
        small: VideoDenoiser,
        prior: VideoDenoiser,
        scheduler: SchedulerMixin,
        prior_scheduler: SchedulerMixin | None = None,
        codec: VideoCodec | None = None,
        prior_codec: VideoCodec | None = None,
        clip: VideoShape | dict[str, Any] | None = None,
        prior_clip: VideoShape | dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.clip, other = (VideoShape(**shape) if isinstance(shape, dict) else shape for shape in (clip, prior_clip))
        check_compatibility(
            Side("the small model", small, scheduler, codec, self.clip),
            Side("the prior", prior, prior_scheduler or scheduler, prior_codec, other),
        )
        self.register_modules(
            small=small, prior=prior, scheduler=scheduler, prior_scheduler=prior_scheduler, codec=codec,
            prior_codec=prior_codec,
        )  # fmt: skip
        self.register_to_config(
            clip=None if self.clip is None else asdict(self.clip), prior_clip=None if other is None else asdict(other)
        )

    def noise(self, generator: torch.Generator | None = None, clips: int = 1) -> Tensor:
        """Noise (clips, L, f, h, w) to start from, of the shape of the small model's clips.

        Raises:
            ConfigError: The pipeline has no codec or no shape of clips to tell it.
        """
        if self.codec is None or self.clip is None:
            raise ConfigError("without a codec and a shape of clips, give the latents to start from")
        size = space.latent_size(self.codec, self.clip.frames, self.clip.height, self.clip.width)
        shape = (clips, self.small.config["out_channels"], *size)
        return randn_tensor(shape, generator=generator, device=self.small.device, dtype=self.small.dtype)

    @torch.no_grad()
    def __call__(
        self,
        cond: ClipCondition,
        null: ClipCondition | None = None,
        prior_cond: ClipCondition | None = None,
        prior_null: ClipCondition | None = None,
        *,
        mix: Mix | None = None,
        guider: BaseGuidance | None = None,
        windows: Windows | None = None,
        num_inference_steps: int = 25,
        latents: Tensor | None = None,
        eta: float = 0.0,
        generator: torch.Generator | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> VideoAdapterOutput:
        """Clips of a condition.

        Args:
            cond: What the small model is conditioned on.
            null: The same without what guidance is to strengthen, or a negative condition.
            prior_cond: What the prior is conditioned on; the small model's condition by default.
            prior_null: As ``null``, of the prior; in the normalised form a prior without one is drawn to as a whole.
            mix: How the two are composed.
            guider: Any guider of diffusers in place of ``mix``. It sees all four conditions, and a
                ``ScoreCompositionGuidance`` without a prior takes the pipeline's.
            windows: How a long clip is sampled; by default, where a network says how many frames it takes, in those.
            num_inference_steps: Steps over all noise levels.
            latents: Noise (B, L, f, h, w) to start from; ``noise(generator)`` by default.
            eta: Noise that DDIM adds at each step.
            generator: Of all noise.
            decode: False gives latents only, and ``videos`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: A null that is needed is missing, a number is out of range, a window is longer than the clip,
                the scheduler does not bear what is asked of it, or both a mix and a guider are given.
        """
        x = self.noise(generator) if latents is None else latents.to(self.small.device, self.small.dtype)
        if mix is not None and guider is not None:
            raise ConfigError("give a mix or a guider, not both")
        mix = mix or Mix()

        def sample(predict: Composed, noise: Tensor, known: Known | None = None) -> Tensor:
            return denoise(
                predict, noise, self.scheduler, num_inference_steps, known=known, eta=eta, generator=generator,
                corrector=self._corrector(mix, predict, generator) if guider is None else None, callback=callback,
            )  # fmt: skip

        def build(window: Window) -> Composed:
            told = (cond, null, prior_cond or cond, prior_null)
            one, other, *rest = (cut_condition(c, window.frames, len(x), x.shape[TIME]) for c in told)
            pairs: tuple[_Pair, _Pair] = (one or cond, other), (rest[0] or cond, rest[1])
            steps = num_inference_steps
            return self._compose(mix, *pairs) if guider is None else self._guide(copy.copy(guider), *pairs, steps)

        clean = self._sample(build, sample, x, windows)
        videos = space.decode(self.codec, clean) if decode and self.codec is not None else clean.new_zeros(0)
        return VideoAdapterOutput(videos=videos, latents=clean)

    def _sample(
        self,
        build: Callable[[Window], Composed],
        sample: Callable[[Composed, Tensor, Known | None], Tensor],
        noise: Tensor,
        windows: Windows | None,
    ) -> Tensor:
        """Clean latents, of the whole clip at once where nothing says that it is too long."""
        frames = noise.shape[TIME]
        known = [most for most in map(max_frames, (self.small, self.prior)) if most is not None]
        if windows is None and (not known or frames <= min(known)):
            return sample(build(Window(tuple(range(frames)))), noise, None)
        windows = windows or Windows(size=min(known))
        plan = windows.plan(frames)
        if windows.way == "merge":
            return sample(merge_windows(build, plan, windows.weights), noise, None)
        return sample_in_order(build, plan, noise, self.scheduler, sample, windows.guidance)

    def _compose(self, mix: Mix, own: _Pair, others: _Pair) -> Composed:
        """Both as one denoiser, of the kind that the scheduler wants."""
        small = make_predictor(self.small, self.scheduler, self.scheduler)
        prior = make_predictor(self.prior, self.prior_scheduler or self.scheduler, self.scheduler, mix.held_levels)
        sides = [(small, *own), (prior, *others)]
        host, (added, cond, null) = reversed(sides) if mix.inverse else sides
        if mix.form == "product":
            added = subtract_no_noise(added, self.scheduler)
        return FORMS[mix.form](
            Expert(*host, mix.guidance_scale),
            [Expert(added, cond, null, mix.strength)],
            num_train_timesteps=self.scheduler.config["num_train_timesteps"],
        )

    def _guide(self, guider: BaseGuidance, own: _Pair, others: _Pair, num_inference_steps: int) -> Composed:
        """The small model under a guider, which may put the prior in its place."""
        if isinstance(guider, ScoreCompositionGuidance) and guider.prior is None:
            if self.prior_scheduler is not None:
                raise ConfigError(
                    "a guider has the prior answer in the small model's place, so it must have the same schedule and "
                    "kind of prediction; give a mix, which converts, or the guider a prior of its own"
                )
            guider = copy.copy(guider)
            guider.prior = self.prior
        predict = make_predictor(self.small, self.scheduler, self.scheduler)
        return apply_guider(guider, predict, self.small, (*own, *others), self.scheduler, num_inference_steps)

    def _corrector(self, mix: Mix, predict: Composed, generator: torch.Generator | None) -> Composed | None:
        """Langevin steps at a level, on the scheduler's own latents."""
        if mix.refining_steps == 0:
            return None
        if not isinstance(self.scheduler, MEMORYLESS):
            names = ", ".join(kind.__name__ for kind in MEMORYLESS)
            raise ConfigError(f"refining needs one of {names}, not {type(self.scheduler).__name__}, which looks back")
        kind = prediction_kind(self.scheduler)

        def refined(x: Tensor, t: Tensor) -> Tensor:
            alpha = alpha_at(self.scheduler, t).to(x.device)
            factor = scale(self.scheduler, alpha)

            def noise(noisy: Tensor, t: Tensor) -> Tensor:
                return to_epsilon(predict(noisy / factor, t), noisy, alpha, kind)

            steps, size = mix.refining_steps, mix.step_size
            return run_langevin(noise, x * factor, t, alpha, steps=steps, step_size=size, generator=generator) / factor

        return refined
