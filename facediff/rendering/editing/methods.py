"""Two ways to code a frame so that another identity can be put into it.

inversion   the paper's: the noise that leads to the frame under its own identity, decoded under another
delta       the frame itself, and what the denoiser expects of it; what it expects under another is the change
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from facediff.diffusion.delta_denoising import predict_clean
from facediff.errors import ConfigError
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline, FaceLayout

FrameCodes: TypeAlias = tuple[Tensor, Tensor]  # the code, and the latents that stand for the frame: each (F, L, h, w)
INVERSION_STEPS = 20
FIXED_POINT_STEPS = 3
# Where a small denoiser no longer sees who it is, and still sees the picture: it must take the identity's word.
LEVELS = (0.5, 0.7, 0.85)
GAIN = 2.0


class EditMethod(Protocol):
    """How frames are coded and edited."""

    @property
    def key(self) -> str:
        """What codes depend on, beside the model and the frame."""
        ...

    def encode(self, latents: Tensor, identity: Tensor, face_layout: FaceLayout) -> FrameCodes:
        """Codes of F frames, given as latents (F, L, h, w), under their own identity (D,)."""
        ...

    def edit(self, codes: FrameCodes, identity: Tensor, face_layout: FaceLayout) -> Tensor:
        """Latents (F, L, h, w) of coded frames under another identity; their own gives the second of the codes."""
        ...


@dataclass(frozen=True)
class InversionMethod:
    """Deterministic noise, as published.

    Attributes:
        pipeline: The autoencoder.
        num_inference_steps: Of encoding and decoding.
        fixed_point_steps: See ``facediff.diffusion.inversion.invert``.
    """

    pipeline: DiffusionVideoAutoencoderPipeline
    num_inference_steps: int = INVERSION_STEPS
    fixed_point_steps: int = FIXED_POINT_STEPS

    @property
    def key(self) -> str:
        return f"inversion, {self.num_inference_steps} steps, {self.fixed_point_steps} calls"

    def encode(self, latents: Tensor, identity: Tensor, face_layout: FaceLayout) -> FrameCodes:
        noise = self.pipeline.encode(
            latents,
            identity,
            face_layout,
            num_inference_steps=self.num_inference_steps,
            fixed_point_steps=self.fixed_point_steps,
        )
        return noise, self.edit((noise, latents), identity, face_layout)

    def edit(self, codes: FrameCodes, identity: Tensor, face_layout: FaceLayout) -> Tensor:
        return self.pipeline(
            codes[0], identity, face_layout, num_inference_steps=self.num_inference_steps, decode=False
        ).latents


@dataclass(frozen=True)
class DeltaMethod:
    """The change that the denoiser expects, put onto the frame; see ``facediff.diffusion.delta_denoising``.

    Attributes:
        pipeline: The autoencoder.
        levels: Noise levels, from 0 to 1; a network call each.
        gain: What the change is multiplied by.
        seed: Of the noise, one for all frames.
    """

    pipeline: DiffusionVideoAutoencoderPipeline
    levels: tuple[float, ...] = LEVELS
    gain: float = GAIN
    seed: int = 0

    @property
    def key(self) -> str:
        return f"delta, {self.levels}, seed {self.seed}"

    @torch.inference_mode()
    def encode(self, latents: Tensor, identity: Tensor, face_layout: FaceLayout) -> FrameCodes:
        return self._expected(latents, identity, face_layout), latents

    @torch.inference_mode()
    def edit(self, codes: FrameCodes, identity: Tensor, face_layout: FaceLayout) -> Tensor:
        own, latents = codes
        return latents + self.gain * (self._expected(latents, identity, face_layout) - own)

    def _expected(self, latents: Tensor, identity: Tensor, face_layout: FaceLayout) -> Tensor:
        predict = self.pipeline.predictor(identity, face_layout)
        return predict_clean(predict, latents, self.pipeline.scheduler, self.levels, self._noise(latents))

    def _noise(self, latents: Tensor) -> Tensor:
        shape = (len(self.levels), *latents.shape[1:])
        return torch.randn(shape, generator=torch.Generator().manual_seed(self.seed)).to(latents)


def delta_levels(count: int) -> tuple[float, ...]:
    """So many noise levels, evenly over the range of ``LEVELS``; 3 gives about those."""
    if count == 1:
        return (LEVELS[1],)
    return tuple(LEVELS[0] + (LEVELS[-1] - LEVELS[0]) * index / (count - 1) for index in range(count))


def _delta(pipeline: DiffusionVideoAutoencoderPipeline, steps: int | None, seed: int) -> EditMethod:
    return DeltaMethod(pipeline, LEVELS if steps is None else delta_levels(steps), seed=seed)


def _inversion(pipeline: DiffusionVideoAutoencoderPipeline, steps: int | None, seed: int) -> EditMethod:
    return InversionMethod(pipeline, INVERSION_STEPS if steps is None else steps)


PROTOTYPE = "prototype"  # the method of edits that codes nothing; see ``facediff.rendering.editing.prototypes``
METHODS: dict[str, Callable[[DiffusionVideoAutoencoderPipeline, int | None, int], EditMethod]] = {
    "delta": _delta,
    "inversion": _inversion,
}


def make_method(
    method: str, pipeline: DiffusionVideoAutoencoderPipeline, steps: int | None = None, seed: int = 0
) -> EditMethod:
    """A coding by name.

    Args:
        method: One of ``METHODS``.
        pipeline: The autoencoder.
        steps: Steps of an inversion, or noise levels of a delta; None for as many as suit it.
        seed: Of what noise there is.

    Raises:
        ConfigError: There is no such method.
    """
    if method not in METHODS:
        raise ConfigError(f"frames are coded by {', '.join(METHODS)}, not {method!r}")
    return METHODS[method](pipeline, steps, seed)


def check_method(method: str) -> None:
    """Refuses a name that is neither one of ``METHODS`` nor ``PROTOTYPE``.

    Raises:
        ConfigError: There is no such method.
    """
    if method not in (PROTOTYPE, *METHODS):
        raise ConfigError(f"a method of edits is one of {', '.join((PROTOTYPE, *METHODS))}, not {method!r}")
