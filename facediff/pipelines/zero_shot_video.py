"""Text2Video-Zero as a diffusers pipeline: a model of pictures paints a clip, with no training, as landmarks move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from facediff.diffusion.frame_warping import carry_noisy, noise_further
from facediff.diffusion.guidance import apply_guidance
from facediff.diffusion.inversion import invert
from facediff.errors import ConfigError
from facediff.pipelines.frame_painter import FrameCondition, FramePainterPipeline
from facediff.pipelines.shared import FrameOutput, make_output


@dataclass(frozen=True, kw_only=True)
class ZeroShotStyle:
    """How a clip comes of a picture.

    Attributes:
        num_inference_steps: Steps over all noise levels.
        guidance_scale: How much more the text counts than without it; 1 is no guidance.
        carried_at: Share of the steps that are left when frame 0 is carried to the others. T' of the paper is 44 of 50.
        freed_from: And to which they are noised again, which leaves them room to differ; at ``carried_at`` none.
        structure_scale: How much structure counts that a ControlNet is shown.

    Raises:
        ConfigError: A number is out of range.
    """

    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    carried_at: float = 0.88
    freed_from: float = 0.94
    structure_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.num_inference_steps < 2:
            raise ConfigError(f"a clip takes 2 steps at least, not {self.num_inference_steps}")
        if not 0 < self.carried_at <= self.freed_from <= 1:
            raise ConfigError(
                "frames are carried at a share of the steps from 0 to 1, and freed from no less, not "
                f"{self.carried_at:g} and {self.freed_from:g}"
            )

    @property
    def turns(self) -> tuple[int, int]:
        """Index of the step at which all frames are there, and of that at which frame 0 is carried."""
        total = self.num_inference_steps
        early, late = (min(round((1 - share) * total), total - 1) for share in (self.freed_from, self.carried_at))
        return early, late


class ZeroShotVideoPipeline(FramePainterPipeline):
    """Frames of one picture, moved as landmarks say, by any denoiser of pictures.

    Frame 0 is denoised through the first steps, carried to all other frames by where their content comes from, noised a
    little further, and then all are denoised together, each looking at frame 0 in every self-attention.

    Source: Khachatryan et al., "Text2Video-Zero: Text-to-Image Diffusion Models are Zero-Shot Video Generators"
    (ICCV 2023). Beside the paper: motion is any flow, as that of landmarks (``facediff.landmarks.flow``), in place of
    one constant direction; it goes by fractions of a cell; frame 0 may be a picture that there is, whose inversion is
    replayed. Its background smoothing is not built.
    """

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Tensor,
        origins: Tensor,
        *,
        picture: Tensor | None = None,
        like: Tensor | None = None,
        negative: str | Tensor = "",
        structure: Tensor | None = None,
        style: ZeroShotStyle | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> FrameOutput:
        """A clip of 1 + F frames.

        Args:
            prompt: What is to be seen: a text, or tokens (1, N, D).
            origins: (F, h, w, 2), where in frame 0 each cell of the latents of the others comes from, in cells.
            picture: Frame 0 (1, 3, H, W) in [-1, 1], which then comes out as the codec has it; None to make one up.
            like: What it is to be like, of ``encode_picture``, where there is an IP-Adapter.
            negative: What is not, as ``prompt``.
            structure: (1 + F, 3, H, W) in [0, 1], of all frames, where there is a ControlNet.
            style: How.
            noise: (1, L, h, w) to begin with where there is no picture; made by ``generator`` by default.
            generator: Of all noise.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step of all frames with its index, its timestep and the latents.

        Raises:
            ConfigError: Shapes do not fit, both a picture and noise are given, or there is something to be like and no
                IP-Adapter.
        """
        style = style or ZeroShotStyle()
        count = 1 + len(origins)
        told = self.tell(prompt, structure, like=like)
        null = self.tell(negative, structure) if style.guidance_scale != 1 else told
        self.scheduler.set_timesteps(style.num_inference_steps, device=self.unet.device)
        timesteps = self.scheduler.timesteps
        early, late = style.turns

        def guided(frames: slice) -> Callable[[Tensor, Tensor], Tensor]:
            pair = (_cut(told, frames), _cut(null, frames))
            return apply_guidance(
                lambda x, t, cond: self.predict(x, t, cond, style.structure_scale), *pair, style.guidance_scale
            )

        held = None
        if picture is not None:
            if noise is not None:
                raise ConfigError("frame 0 comes of a picture or of noise; give one of them")
            held = self._invert(picture, _cut(told, slice(1)), style)
            first = held[int(timesteps[late])]
        else:
            first = self._begin(noise, origins, generator)
            first = self.walk(guided(slice(1)), first, timesteps[:late])
        if first.shape[2:] != origins.shape[1:3]:
            raise ConfigError(
                f"origins are of {tuple(origins.shape[1:3])} cells and latents have {tuple(first.shape[2:])}; "
                "give those of the latents"
            )
        seen = guided(slice(1))(first, timesteps[late])
        others = carry_noisy(first, seen, timesteps[late], self.scheduler, origins.to(first))
        both = torch.cat([first, others])
        fresh = randn_tensor(both.shape, generator=generator, device=both.device, dtype=both.dtype)
        x = noise_further(both, timesteps[late], timesteps[early], fresh, self.scheduler)
        x = self.walk(
            guided(slice(count)), x, timesteps[early:], first_index=early, callback=callback,
            held=None if held is None else lambda x, t: torch.cat([held[int(t)], x[1:]]),
        )  # fmt: skip
        if picture is not None:
            x = torch.cat([self.encode(picture).to(x), x[1:]])
        return make_output(x, self.decode if decode else None)

    def _begin(self, noise: Tensor | None, origins: Tensor, generator: torch.Generator | None) -> Tensor:
        """Noise (1, L, h, w) for frame 0."""
        shape = (1, self.unet.config["out_channels"], *origins.shape[1:3])
        if noise is None:
            return randn_tensor(shape, generator=generator, device=self.unet.device, dtype=torch.float32)
        return noise.to(self.unet.device)

    def _invert(self, picture: Tensor, cond: FrameCondition, style: ZeroShotStyle) -> dict[int, Tensor]:
        """The way of a picture up to noise: its noisy latents (1, L, h, w) by their timestep."""
        clean = self.encode(picture).float()
        way: dict[int, Tensor] = {}
        invert(
            lambda x, t: self.predict(x, t, cond, style.structure_scale), clean, self.scheduler,
            style.num_inference_steps, callback=lambda index, t, x: way.update({t: x}),
        )  # fmt: skip
        return way


def flow_cells(pipeline: FramePainterPipeline, size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of the latents of a picture (width, height), for ``facediff.landmarks.flow.trace_origins``.

    Raises:
        ConfigError: The sides are not multiples of what a latent covers.
    """
    step = pipeline.stride
    if size[0] % step or size[1] % step:
        raise ConfigError(f"latents are of {step} pixels; take sides that are multiples, not {size[0]}x{size[1]}")
    return size[0] // step, size[1] // step


def _cut(cond: FrameCondition, frames: slice) -> FrameCondition:
    """What some of the frames are conditioned on."""
    tokens = cond.tokens if len(cond.tokens) == 1 else cond.tokens[frames]
    structure = None if cond.structure is None else cond.structure[frames]
    return replace(cond, tokens=tokens, structure=structure)
