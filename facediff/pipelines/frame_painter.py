"""A hub's model of pictures as the painter of a clip's frames: what pipelines of one have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, DDIMScheduler, DiffusionPipeline, UNet2DConditionModel
from diffusers.loaders import IPAdapterMixin
from diffusers.models.embeddings import ImageProjection
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from facediff.errors import ConfigError
from facediff.models import latents as space
from facediff.models.frame_attention import FIRST, attend_across
from facediff.models.inflation import InflatedUNet
from facediff.models.latents import Codec
from facediff.models.placement import move_to
from facediff.models.temporal_layers import Layout, lay_out


@dataclass(frozen=True)
class FrameCondition:
    """What the frames of a clip are conditioned on.

    Attributes:
        tokens: (1 or F, N, D), of a text, say.
        structure: (F, 3, H, W) in [0, 1], what the network is shown; None where it sees none.
        is_alone: Whether each frame is denoised as a picture of its own.
        like: What an IP-Adapter is shown, of ``encode_picture``; None for no picture.
    """

    tokens: Tensor
    structure: Tensor | None = None
    is_alone: bool = False
    like: Tensor | None = None


class FramePainterPipeline(DiffusionPipeline, IPAdapterMixin):
    """What they share: texts, latents, one prediction for all frames. The folder of a Stable Diffusion opens as one.

    With ``load_ip_adapter`` of diffusers it is shown pictures beside texts (Ye et al., "IP-Adapter", 2023).

    Args:
        vae: Pictures to latents and back.
        unet: Any denoiser of pictures with tokens. Its frames look at frame 0 while it paints; an inflated one's know
            of one another by what it has learnt. One with a channel more than latents have is shown structure beside
            them, as that of ``stable-diffusion-2-depth``.
        scheduler: Any whose noise levels are of diffusion; DDIM steps through them, without clipping.
        text_encoder: None where tokens are given.
        tokenizer: None where tokens are given.
        controlnet: What is shown structure besides; None for none.
        image_encoder: What an IP-Adapter sees with; it comes with that.
        feature_extractor: The same; prepares pictures for it.

    Raises:
        ConfigError: The noise levels are of another kind, or the UNet wants to see more than latents and structure.
    """

    model_cpu_offload_seq = "text_encoder->image_encoder->vae->unet->vae"
    _optional_components = ["text_encoder", "tokenizer", "controlnet", "image_encoder", "feature_extractor"]

    def __init__(
        self,
        vae: Codec,
        unet: UNet2DConditionModel | InflatedUNet,
        scheduler: SchedulerMixin,
        text_encoder: CLIPTextModel | None = None,
        tokenizer: CLIPTokenizer | None = None,
        controlnet: ControlNetModel | None = None,
        image_encoder: CLIPVisionModelWithProjection | None = None,
        feature_extractor: CLIPImageProcessor | None = None,
    ) -> None:
        super().__init__()
        if not hasattr(scheduler, "alphas_cumprod"):
            raise ConfigError(
                f"{type(scheduler).__name__} has no noise levels of diffusion; give that of a model of them"
            )
        if unet.config["in_channels"] - unet.config["out_channels"] not in (0, 1):
            raise ConfigError(
                f"a painter sees latents, of {unet.config['out_channels']} channels here, and one of structure, "
                f"not {unet.config['in_channels']}"
            )
        stepped = DDIMScheduler.from_config(scheduler.config, clip_sample=False)
        self.register_modules(
            vae=vae, unet=unet, scheduler=stepped, text_encoder=text_encoder, tokenizer=tokenizer,
            controlnet=controlnet, image_encoder=image_encoder, feature_extractor=feature_extractor,
        )  # fmt: skip
        self.set_progress_bar_config(disable=True)

    @torch.no_grad()
    def encode_text(self, text: str) -> Tensor:
        """Tokens (1, N, D) of a text.

        Raises:
            ConfigError: The pipeline has no text encoder.
        """
        if self.text_encoder is None or self.tokenizer is None:
            raise ConfigError("the pipeline has no text encoder; give it one, or tokens in the place of a text")
        most = min(self.tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings)
        told = self.tokenizer(text, padding="max_length", max_length=most, truncation=True, return_tensors="pt")
        made: Tensor = self.text_encoder(told.input_ids.to(self.text_encoder.device))[0]
        return made

    @torch.no_grad()
    def encode_picture(self, picture: NDArray[np.uint8]) -> Tensor:
        """What an IP-Adapter is shown of a picture (H, W, 3): embeddings (1, 1, D), or those of patches (1, 1, N, D).

        Raises:
            ConfigError: The pipeline has no IP-Adapter.
        """
        if self._projection is None or self.image_encoder is None or self.feature_extractor is None:
            raise ConfigError("the pipeline sees no pictures; load an IP-Adapter first, with its image encoder")
        return self._see(self.feature_extractor(picture, return_tensors="pt").pixel_values)

    def _see(self, pixels: Tensor) -> Tensor:
        seen = pixels.to(self.image_encoder.device, self.image_encoder.dtype)
        if isinstance(self._projection, ImageProjection):
            made: Tensor = self.image_encoder(seen).image_embeds[:, None]
            return made
        made = self.image_encoder(seen, output_hidden_states=True).hidden_states[-2][:, None]
        return made

    @cached_property
    def _nothing_seen(self) -> Tensor:
        """What an IP-Adapter is shown where there is no picture, as in its training."""
        assert self.image_encoder is not None
        config = self.image_encoder.config
        if isinstance(self._projection, ImageProjection):
            return torch.zeros(1, 1, config.projection_dim, device=self.image_encoder.device)
        with torch.no_grad():
            return self._see(torch.zeros(1, 3, config.image_size, config.image_size))

    @property
    def _projection(self) -> torch.nn.Module | None:
        """What makes tokens of what an IP-Adapter is shown; None without one."""
        found = getattr(self.painting, "encoder_hid_proj", None)
        return getattr(found, "image_projection_layers", [None])[0]

    @property
    def painting(self) -> UNet2DConditionModel:
        """The network of pictures, under its temporal layers where it has them."""
        network: UNet2DConditionModel = self.unet.base if isinstance(self.unet, InflatedUNet) else self.unet
        return network

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Latents (F, L, h, w) of pictures (F, 3, H, W) in [-1, 1]."""
        return space.encode(self.vae, images)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (F, 3, H, W), about in [-1, 1], of latents, one after the other."""
        return torch.cat([space.decode(self.vae, part) for part in latents.split(1)])

    def tell(
        self, told: str | Tensor | None, structure: Tensor | None, is_alone: bool = False, like: Tensor | None = None
    ) -> FrameCondition:
        """A condition of a text, or of tokens (1 or F, N, D), and of a picture, as ``encode_picture`` gives it.

        Raises:
            ConfigError: There is structure and no network to see it, or the other way round; or a picture, and no
                IP-Adapter.
        """
        if like is not None and self._projection is None:
            raise ConfigError("a picture is shown to an IP-Adapter: load one, or leave the picture out")
        if (structure is None) == self.sees_structure:
            raise ConfigError("structure is shown to a ControlNet, or to a UNet of depth: give both, or neither")
        tokens = told if isinstance(told, Tensor) else self.encode_text(told or "")
        return FrameCondition(tokens, structure, is_alone, like)

    @property
    def stride(self) -> int:
        """Pixels to a latent, along each side."""
        return space.stride(self.vae)

    def fit_size(self, size: tuple[int, int], longer: int) -> tuple[int, int]:
        """Width and height of about the shape of ``size``, the longer side about so long, which the UNet can halve."""
        cells = self.stride * 2 ** (len(self.unet.config["block_out_channels"]) - 1)
        width, height = (max(1, round(side * longer / max(size) / cells)) * cells for side in size)
        return width, height

    @property
    def sees_structure(self) -> bool:
        """Whether any of its networks is shown structure."""
        return self.controlnet is not None or self.unet.config["in_channels"] > self.unet.config["out_channels"]

    def predict(self, x: Tensor, t: Tensor, cond: FrameCondition, structure_scale: float = 1.0) -> Tensor:
        """What the UNet predicts for noisy latents (F, L, h, w), in the dtype of x, and as the scheduler wants it.

        Args:
            x: All frames of a clip.
            t: Their timestep.
            cond: What they are conditioned on.
            structure_scale: How much what a ControlNet sees counts.
        """
        count = len(x)
        seen = move_to(self.unet, x)
        shown = seen
        if self.unet.config["in_channels"] > x.shape[1]:
            assert cond.structure is not None
            depth = F.interpolate(cond.structure.to(seen).mean(dim=1, keepdim=True), x.shape[2:], mode="area")
            shown = torch.cat([seen, 2 * depth - 1], dim=1)
        tokens = cond.tokens.to(seen).expand(count, -1, -1)
        layout = Layout(0, count) if cond.is_alone else Layout(count)
        is_inflated = isinstance(self.unet, InflatedUNet)
        painters = [] if is_inflated else [self.unet]
        if self.controlnet is not None:
            painters.append(self.controlnet)
        with attend_across(*painters, view=FIRST), lay_out(layout):
            more = {} if self.controlnet is None else self._show(seen, t, tokens, cond.structure, structure_scale)
            if is_inflated:
                more["images"] = layout.images
            if self._projection is not None:
                like = (self._nothing_seen if cond.like is None else cond.like).to(seen)
                more["added_cond_kwargs"] = {"image_embeds": [like.expand(count, *like.shape[1:])]}
            predicted: Tensor = self.unet(shown, t, tokens, return_dict=False, **more)[0]
        return predicted.to(x)

    def _show(
        self, x: Tensor, t: Tensor, tokens: Tensor, structure: Tensor | None, structure_scale: float
    ) -> dict[str, Any]:
        """What the ControlNet adds to the UNet's features."""
        assert structure is not None
        down, middle = self.controlnet(
            x, t, tokens, controlnet_cond=structure.to(x), conditioning_scale=structure_scale, return_dict=False
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def walk(
        self,
        denoiser: Callable[[Tensor, Tensor], Tensor],
        x: Tensor,
        timesteps: Tensor,
        *,
        held: Callable[[Tensor, Tensor], Tensor] | None = None,
        first_index: int = 0,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """Latents denoised through some timesteps in a row, by DDIM.

        Args:
            denoiser: ``denoiser(x, t)``.
            x: Noisy latents at the first of the timesteps.
            timesteps: Of ``self.scheduler``, which was set to as many steps as there are.
            held: Called with the latents and the timestep before each step; what it gives takes their place.
            first_index: Of the first of them, for the callback.
            callback: Called after each step with its index, its timestep and the latents.
        """
        for index, t in enumerate(timesteps):
            x = x if held is None else held(x, t)
            x = self.scheduler.step(denoiser(x, t), t, x, return_dict=False)[0]
            if callback is not None:
                callback(first_index + index, int(t), x)
        return x
