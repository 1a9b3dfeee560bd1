"""Gen-1's and Tune-A-Video's way through a hub's model of pictures: the structure of one clip, the looks of a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from facediff.diffusion.inversion import invert
from facediff.diffusion.temporal_guidance import apply_temporal_guidance
from facediff.errors import ConfigError
from facediff.pipelines.frame_painter import FramePainterPipeline
from facediff.pipelines.shared import FrameOutput, make_output


@dataclass(frozen=True, kw_only=True)
class StructureStyle:
    """How a clip is painted.

    Attributes:
        num_inference_steps: Steps over all noise levels.
        guidance_scale: ω, how much more the text counts than without it; 1 is no guidance.
        temporal_guidance: ω_t, how much frames follow one another: 1 as the network has it, 0 each stands alone.
        structure_scale: How much structure counts that a ControlNet is shown.
    """

    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    temporal_guidance: float = 1.0
    structure_scale: float = 1.0


class StructuredVideoPipeline(FramePainterPipeline):
    """A clip in another look: where its parts are is given, and what it shows is said.

    Structure is told in two ways, one or both. As a picture of each frame, as Gen-1 has it: depth of the face mesh
    (``facediff.landmarks.depth``) for a ControlNet or a UNet of depth, with as much detail as is wanted. And as the
    noise that each frame comes of, as Tune-A-Video has it (``invert``), best with a network tuned on that clip
    (``facediff.training.one_shot``).

    Source: Esser et al., "Structure and Content-Guided Video Synthesis with Diffusion Models" (Gen-1, ICCV 2023); Wu et
    al., "Tune-A-Video" (ICCV 2023), section 4.2. Beside Gen-1: content is a text, and a picture's CLIP
    vector by an IP-Adapter; frames of a network that has learnt no time look at frame 0.
    """

    @torch.no_grad()
    def invert(
        self,
        frames: Tensor,
        prompt: str | Tensor,
        *,
        structure: Tensor | None = None,
        style: StructureStyle | None = None,
        fixed_point_steps: int = 1,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """The noise (F, L, h, w) of which ``__call__`` makes the frames again, told the same and without guidance.

        Args:
            frames: (F, 3, H, W) in [-1, 1].
            prompt: What they show, a text or tokens (1 or F, N, D).
            structure: As of ``__call__``.
            style: Its steps and structure's scale; no guidance is inverted.
            fixed_point_steps: See ``facediff.diffusion.inversion.invert``.
            callback: Called after each step with its index, its timestep and the latents.
        """
        style, cond = style or StructureStyle(), self.tell(prompt, structure)
        return invert(
            lambda x, t: self.predict(x, t, cond, style.structure_scale), self.encode(frames).float(), self.scheduler,
            style.num_inference_steps, fixed_point_steps=fixed_point_steps, callback=callback,
        )  # fmt: skip

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Tensor,
        noise: Tensor | None = None,
        *,
        structure: Tensor | None = None,
        like: Tensor | None = None,
        negative: str | Tensor = "",
        style: StructureStyle | None = None,
        generator: torch.Generator | None = None,
        decode: bool = True,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> FrameOutput:
        """A clip of F frames.

        Args:
            prompt: What is to be seen: a text, or tokens (1 or F, N, D).
            noise: (F, L, h, w) to begin with, what ``invert`` gave, say. By default all frames of the structure share
                one, made by ``generator``, which keeps them from flickering.
            structure: (F, 3, H, W) in [0, 1], where there is a network to see it.
            like: What it is to be like, of ``encode_picture``, where there is an IP-Adapter.
            negative: What is not to be seen, as ``prompt``.
            style: How.
            generator: Of the noise.
            decode: False gives latents only, and ``images`` is empty.
            callback: Called after each step with its index, its timestep and the latents.

        Raises:
            ConfigError: There is neither noise nor structure, they are of other lengths, a scale is negative, or there
                is something to be like and no IP-Adapter.
        """
        style = style or StructureStyle()
        if noise is None:
            noise = self._share_noise(structure, generator)
        elif structure is not None and len(structure) != len(noise):
            raise ConfigError(f"there is noise of {len(noise)} frames and structure of {len(structure)}; give as many")
        cond = self.tell(prompt, structure, like=like)
        null = cond if style.guidance_scale == 1 else self.tell(negative, structure)
        alone = replace(null, is_alone=True)
        denoiser = apply_temporal_guidance(
            lambda x, t, c: self.predict(x, t, c, style.structure_scale), cond, null, alone,
            style.guidance_scale, style.temporal_guidance,
        )  # fmt: skip
        self.scheduler.set_timesteps(style.num_inference_steps, device=self.unet.device)
        x = self.walk(denoiser, noise.to(self.unet.device), self.scheduler.timesteps, callback=callback)
        return make_output(x, self.decode if decode else None)

    def _share_noise(self, structure: Tensor | None, generator: torch.Generator | None) -> Tensor:
        """Noise (F, L, h, w) that all frames share."""
        if structure is None:
            raise ConfigError("a clip begins with noise, or is told its structure; give one of them")
        step = self.stride
        shape = (1, self.unet.config["out_channels"], structure.shape[2] // step, structure.shape[3] // step)
        one = randn_tensor(shape, generator=generator, device=self.unet.device, dtype=torch.float32)
        return one.repeat(len(structure), 1, 1, 1)
