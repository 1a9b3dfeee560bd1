"""What the pipelines share: noise for frames, a denoiser under guidance or a guider, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from facediff.diffusion.ddim import DDIM
from facediff.diffusion.guidance import C, Predict, apply_guidance
from facediff.diffusion.guiders import apply_guider, refuse_scale_beside
from facediff.models import latents as space
from facediff.models.latents import Codec
from facediff.models.network import Network

if TYPE_CHECKING:
    from diffusers.guiders import BaseGuidance
    from diffusers.models.modeling_utils import ModelMixin
    from diffusers.schedulers.scheduling_utils import SchedulerMixin


class FrameOutput(NamedTuple):
    """What a pipeline of frames gives.

    Attributes:
        images: Pictures (F, 3, H, W), about in [-1, 1]; empty where latents alone are wanted.
        latents: Their latents (F, L, h, w).
    """

    images: Tensor
    latents: Tensor


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How frames are sampled.

    Attributes:
        num_inference_steps: Steps over all noise levels.
        guidance_scale: How much more the condition counts than without it; 1 is no guidance.
        guider: Any guider of diffusers in place of the scale.
        lips_guidance: The same of the lips alone, of who is shown lips.
        callback: Called after each step with its index, its timestep and the latents.
        temporal_guidance: How much frames follow one another, of who knows of time; 1 as the network has it.
    """

    num_inference_steps: int
    guidance_scale: float = 1.0
    guider: BaseGuidance | None = None
    temporal_guidance: float = 1.0
    lips_guidance: float = 1.0
    callback: Callable[[int, int, Tensor], None] | None = None


def make_output(latents: Tensor, decode: Callable[[Tensor], Tensor] | None) -> FrameOutput:
    """The output of latents (F, L, h, w), with pictures where there is what decodes them."""
    return FrameOutput(images=latents.new_zeros(0) if decode is None else decode(latents), latents=latents)


def make_denoiser(
    predict: Predict[C],
    network: torch.nn.Module,
    conditions: Sequence[C | None],
    scheduler: SchedulerMixin | DDIM,
    sampling: Sampling,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of (x, t) under its condition: plain, under classifier-free guidance, or under a guider.

    Args:
        predict: ``predict(x, t, cond)``, which calls the network.
        network: The network itself.
        conditions: The condition, its negative, and what else a guider chooses from; None for one that there is not.
        scheduler: The one that steps.
        sampling: Where the scale is 1 it is the plain prediction, bit for bit, and asks for no negative.

    Raises:
        ConfigError: Both a scale and a guider are given, or the scale is negative; when called, of a guider that wants
            a condition that there is not.
    """
    if sampling.guider is not None:
        refuse_scale_beside(sampling.guider, sampling.guidance_scale)
        return apply_guider(sampling.guider, predict, network, conditions, scheduler, sampling.num_inference_steps)
    cond, null = conditions[:2]
    return apply_guidance(predict, cond, null, sampling.guidance_scale)  # type: ignore[arg-type]


def run_unet(unet: ModelMixin | Network, noisy: Tensor, beside: Tensor, t: Tensor, *tokens: Tensor) -> Tensor:
    """What a UNet predicts for noisy latents (F, L, h, w) with maps (F, C, h, w) beside them."""
    seen = torch.cat([noisy, beside], dim=1).contiguous(memory_format=torch.channels_last)
    predicted: Tensor = unet(seen, t, *tokens, return_dict=False)[0]
    return predicted


def spread_noise(noise: Tensor, like: Tensor) -> Tensor:
    """Noise (1 or F, L, h, w) for each of the F frames of ``like``, where that is."""
    return noise.to(like.device, like.dtype).expand(len(like), -1, -1, -1)


def latent_shape(unet: ModelMixin | Network, codec: Codec | None, size: tuple[int, int]) -> tuple[int, int, int]:
    """Channels, rows and columns of the latents of a picture of some (width, height); without a codec, its own."""
    stride = 1 if codec is None else space.stride(codec)
    return unet.config["out_channels"], size[1] // stride, size[0] // stride
