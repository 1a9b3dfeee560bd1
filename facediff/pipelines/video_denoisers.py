"""Networks of clips as plain callables that agree on latents, timesteps and kind of prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from diffusers import UNet3DConditionModel, UNetMotionModel, WanTransformer3DModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from facediff.diffusion.guidance import Predict
from facediff.diffusion.noise_levels import alpha_at, is_flow, prediction_kind, scale, timestep_at
from facediff.diffusion.prediction import convert, from_epsilon
from facediff.diffusion.step_cache import cache_steps
from facediff.errors import ConfigError
from facediff.models.inflation import InflatedUNet

VideoDenoiser: TypeAlias = UNetMotionModel | UNet3DConditionModel | WanTransformer3DModel | InflatedUNet
NO_SIGNAL = 1e-6  # schedulers that divide by the signal keep this little of it where there is none


@dataclass(frozen=True)
class ClipCondition:
    """What a denoiser is conditioned on.

    Attributes:
        tokens: (B, N, D) of clips, or (B·F, N, D) of frames; see ``facediff.models.space_time``. Networks that know
            tokens of clips alone are given those of all frames, one after the other.
        maps: (B, E, f, h, w), seen beside the noisy latents.
    """

    tokens: Tensor
    maps: Tensor | None = None


def max_frames(model: VideoDenoiser) -> int | None:
    """How long clips may be for a network, in frames of latents; None for any length."""
    if isinstance(model, InflatedUNet):
        return model.max_frames
    most = model.config.get("motion_max_seq_length")
    return None if most is None else int(most)


def make_predictor(
    model: VideoDenoiser, trained: SchedulerMixin, stepped: SchedulerMixin, held_levels: int = 1
) -> Predict[ClipCondition]:
    """What a network predicts, for the latents and timesteps of another schedule, as the kind that this one wants.

    Where both are of one family and kind it is the network's output, bit for bit. Between diffusion and flow matching,
    latents are scaled and timesteps found by the level of noise.

    Args:
        model: The network.
        trained: Its training schedule.
        stepped: The one that steps; of one family with ``trained``, its levels are taken to be the same.
        held_levels: Noise levels that an output serves.

    Raises:
        ConfigError: Of schedules or numbers that are out of the question.
    """
    said, kind = prediction_kind(trained), prediction_kind(stepped)
    is_one_family = is_flow(trained) == is_flow(stepped)
    is_one_clock = is_one_family and trained.config["num_train_timesteps"] == stepped.config["num_train_timesteps"]
    lasting = "epsilon" if said == "epsilon" else "sample"  # both stay along a path, a velocity turns

    def told(x: Tensor, t: Tensor, cond: ClipCondition, wanted: str = kind) -> Tensor:
        noisy, alpha = _at_level(x, t, stepped)
        seen = x if is_one_family else noisy / scale(trained, alpha)
        output = _ask(model, seen, t if is_one_clock else timestep_at(trained, alpha), cond)
        return convert(output, noisy, alpha, said, wanted)

    if held_levels == 1:
        return told
    remembered = cache_steps(lambda x, t, cond: told(x, t, cond, lasting), held_levels)
    return lambda x, t, cond: convert(remembered(x, t, cond), *_at_level(x, t, stepped), lasting, kind)


def subtract_no_noise(predict: Predict[ClipCondition], stepped: SchedulerMixin) -> Predict[ClipCondition]:
    """A prediction less the one that means no noise: what the product of scores adds up, whatever the kind.

    Raises:
        ConfigError: When called where all is noise, unless it is the noise that is predicted.
    """
    kind = prediction_kind(stepped)
    if kind == "epsilon":
        return predict

    def difference(x: Tensor, t: Tensor, cond: ClipCondition) -> Tensor:
        noisy, alpha = _at_level(x, t, stepped)
        if alpha < NO_SIGNAL:
            raise ConfigError(
                f"the product takes off more noise than there is, which a {kind} cannot say where all is noise "
                f"(timestep {float(t):g}); take the normalised form, or no strength there"
            )
        return predict(x, t, cond) - from_epsilon(torch.zeros_like(noisy), noisy, alpha, kind)

    return difference


def _at_level(x: Tensor, t: Tensor, scheduler: SchedulerMixin) -> tuple[Tensor, Tensor]:
    """A schedule's noisy latents as √α c + √(1 - α) n, and α."""
    alpha = alpha_at(scheduler, t).to(x.device)
    return x * scale(scheduler, alpha), alpha


def _ask(model: VideoDenoiser, x: Tensor, t: Tensor, cond: ClipCondition) -> Tensor:
    """The network's output in the dtype of x, whatever its own."""
    seen = (x if cond.maps is None else torch.cat([x, cond.maps.to(x)], dim=1)).to(model.device, model.dtype)
    tokens = cond.tokens.to(seen)
    if len(tokens) != len(x) and isinstance(model, (UNet3DConditionModel, WanTransformer3DModel)):
        tokens = tokens.unflatten(0, (len(x), -1)).flatten(1, 2)
    if isinstance(model, WanTransformer3DModel):
        t = t.expand(len(x)).to(seen.device)
    elif isinstance(model, UNetMotionModel) and len(tokens) == len(x):
        tokens = tokens.repeat_interleave(x.shape[2], dim=0)
    return model(seen, t, tokens, return_dict=False)[0].to(x)
