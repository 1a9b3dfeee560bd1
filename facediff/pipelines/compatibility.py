"""Whether the predictions of two denoisers may be added up at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from diffusers import UNet3DConditionModel, UNetMotionModel, WanTransformer3DModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from facediff.diffusion.noise_levels import is_flow, prediction_kind
from facediff.diffusion.prediction import KINDS
from facediff.errors import ConfigError
from facediff.models.inflation import InflatedUNet
from facediff.models.video_latents import VideoCodec, latent_size
from facediff.pipelines.video_denoisers import VideoDenoiser


@dataclass(frozen=True)
class VideoShape:
    """What the clips were like that a denoiser was trained on.

    Attributes:
        frames: Of a clip.
        fps: Frames a second.
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
    """

    frames: int
    fps: float
    height: int
    width: int


@dataclass(frozen=True)
class Side:
    """One of two denoisers, with what it was trained with.

    Attributes:
        name: As it is called in a refusal.
        model: The network.
        scheduler: Of its training.
        codec: Of its latents; None where nobody says, and it is taken to be the other one's.
        clip: The shape of its clips; None where nobody says, and any is taken to do.
    """

    name: str
    model: VideoDenoiser
    scheduler: SchedulerMixin
    codec: VideoCodec | None = None
    clip: VideoShape | None = None


def check_compatibility(one: Side, other: Side) -> None:
    """Refuses two denoisers whose predictions are not about the same noisy latents.

    Kinds of prediction may differ, and a model of diffusion goes with one of flow matching: those are converted (see
    ``facediff.diffusion.prediction`` and ``noise_levels``). Two schedules of diffusion must have the same levels.

    Raises:
        ConfigError: A class of network that is not known here; latents of other channels or another space; other noise
            levels; a kind of prediction that cannot be converted; clips of another length, rate or size, or longer or
            of other sides than a network takes. Names both sides.

    Source: Video-Adapter (ICLR 2024), section 3.2: one space, one schedule, one shape.
    """
    _check_networks(one, other)
    _check_codecs(one, other)
    _check_levels(one, other)
    _check_clips(one, other)


def _refuse(one: Side, what: Any, other: Side, what_else: Any, advice: str) -> None:
    raise ConfigError(f"{one.name} has {what} and {other.name} has {what_else}; {advice}")


def _check_networks(one: Side, other: Side) -> None:
    for side in (one, other):
        if not isinstance(side.model, (UNetMotionModel, UNet3DConditionModel, WanTransformer3DModel, InflatedUNet)):
            kinds = " and ".join(type(s.model).__name__ for s in (one, other))
            raise ConfigError(
                f"{one.name} and {other.name} are {kinds}; what is composed is a UNetMotionModel, a "
                "UNet3DConditionModel, a WanTransformer3DModel or an InflatedUNet"
            )
    channels = [side.model.config["out_channels"] for side in (one, other)]
    if channels[0] != channels[1]:
        advice = "predictions add up only in one latent space: train one of them on the other's latents"
        _refuse(one, f"{channels[0]} latent channels", other, channels[1], advice)


def _check_codecs(one: Side, other: Side) -> None:
    first, second = one.codec, other.codec
    if first is None or second is None or first is second:
        return
    advice = "predictions add up only in one latent space: give both the codec that both were trained with"
    names = [f"a codec {type(codec).__name__}" for codec in (first, second)]
    if names[0] != names[1]:
        _refuse(one, names[0], other, names[1], advice)
    if _settings(first) != _settings(second) or not _same_weights(first, second):
        _refuse(one, names[0], other, "one of other weights or settings", advice)


def _settings(codec: VideoCodec) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value  # JSON knows no tuples
        for key, value in codec.config.items()
        if not key.startswith("_")
    }


def _same_weights(one: VideoCodec, other: VideoCodec) -> bool:
    """Equal to half precision, in which one of them may be."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(
        weight.shape == second[name].shape
        and torch.allclose(weight.float().cpu(), second[name].float().cpu(), rtol=1e-2, atol=1e-3)
        for name, weight in first.items()
    )


def _check_levels(one: Side, other: Side) -> None:
    kinds = [prediction_kind(side.scheduler) for side in (one, other)]
    if not set(kinds) <= set(KINDS):
        _refuse(one, f"predictions of {kinds[0]!r}", other, f"{kinds[1]!r}", f"only {', '.join(KINDS)} are converted")
    if is_flow(one.scheduler) or is_flow(other.scheduler):
        return  # flow matching knows every level
    levels = [side.scheduler.alphas_cumprod.cpu() for side in (one, other)]
    if len(levels[0]) != len(levels[1]) or not torch.allclose(levels[0], levels[1], rtol=1e-3, atol=1e-6):
        told = [_levels(side.scheduler) for side in (one, other)]
        _refuse(one, told[0], other, told[1], "train one of them with the other's noise levels")


def _levels(scheduler: SchedulerMixin) -> str:
    c = scheduler.config
    told = f"{c['num_train_timesteps']} noise levels, betas {c.get('beta_start'):g} to {c.get('beta_end'):g}"
    to_noise = ", down to pure noise" if c.get("rescale_betas_zero_snr") else ""
    return f"{told} ({c.get('beta_schedule')}){to_noise}"


def _check_clips(one: Side, other: Side) -> None:
    if one.clip is not None and other.clip is not None and one.clip != other.clip:
        apart = [name for name, value in asdict(one.clip).items() if value != getattr(other.clip, name)]
        told = [", ".join(f"{name} {getattr(side.clip, name):g}" for name in apart) for side in (one, other)]
        _refuse(one, f"clips of {told[0]}", other, f"clips of {told[1]}", "cut both their clips alike")
    clip = one.clip or other.clip
    codec = one.codec or other.codec
    if clip is None or codec is None:
        return
    frames, *sides = latent_size(codec, clip.frames, clip.height, clip.width)
    for side, opposite in ((one, other), (other, one)):
        config = side.model.config
        most = config.get("motion_max_seq_length", frames)
        if frames > most:
            _refuse(side, f"at most {most} frames", opposite, f"clips of {frames}", "take shorter clips")
        patch = (config.get("patch_size") or (1, 1, 1))[1:] if isinstance(side.model, WanTransformer3DModel) else (1, 1)
        if any(length % p for length, p in zip(sides, patch, strict=True)):
            size = f"clips of {sides[0]} by {sides[1]}"
            _refuse(side, f"patches of {patch[0]} by {patch[1]} latents", opposite, size, "take sides that divide")
