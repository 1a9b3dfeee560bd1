"""Layers that let the frames of a clip know of one another inside a network of pictures.

Frames run through such a network on its first axis, clip after clip. What lies there is told by a ``Layout`` for the
length of a call, so that one network may run in several threads. A fresh layer gives back what it is given, but for
``ChannelShift``, which has no weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import TransformerTemporalModel
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import AlphaBlender, TemporalConvLayer
from torch import Tensor, nn

from facediff.errors import ConfigError


@dataclass
class FrameCache:
    """What directed attention remembers of the frames of a clip that went before, at one noise level.

    Attributes:
        frames: How many they are.
        held: Keys and values (P, heads, frames, dim) of each layer.
    """

    frames: int = 0
    held: dict[nn.Module, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def extend(self, layer: nn.Module, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Those of all frames of a layer, those that are new last."""
        if layer in self.held:
            old_key, old_value = self.held[layer]
            key, value = torch.cat([old_key, key], dim=2), torch.cat([old_value, value], dim=2)
        self.held[layer] = key, value
        return key, value


@dataclass(frozen=True)
class Layout:
    """What lies on the first axis of pictures: clips, each perhaps with single images behind its frames.

    Attributes:
        frames: Of each clip.
        images: Behind them, each of which stands alone: VDM's joint training.
        cache: Frames that went before; None where a clip is whole.
    """

    frames: int
    images: int = 0
    cache: FrameCache | None = None

    @property
    def start(self) -> int:
        """Index of the first frame."""
        return 0 if self.cache is None else self.cache.frames


_LAYOUT: ContextVar[Layout] = ContextVar("layout")


@contextmanager
def lay_out(layout: Layout) -> Iterator[None]:
    """Layers that are called within take what they are given to be laid out like that."""
    token = _LAYOUT.set(layout)
    try:
        yield
    finally:
        _LAYOUT.reset(token)


def current_layout() -> Layout:
    """What ``lay_out`` was given around this call.

    Raises:
        ConfigError: It was not called.
    """
    layout = _LAYOUT.get(None)
    if layout is None:
        raise ConfigError("frames know of one another within lay_out(Layout(frames)) alone; call the network in it")
    return layout


class FrameLayer(nn.Module, ABC):
    """What all of them do: divide clips from images, mix the frames, put all together again.

    Attributes:
        most: Frames that it knows; None for any number.
        is_causal: Whether a frame knows of none after it.
    """

    most: int | None = None
    is_causal = False

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) as the layout has them, each knowing of the frames of its clip."""
        layout = current_layout()
        clips = x.unflatten(0, (-1, layout.frames + layout.images))
        video, images = clips.split([layout.frames, layout.images], dim=1)
        parts = []
        if layout.frames:
            parts.append(self.mix(video, layout))
        if layout.images:
            parts.append(self.mix_image(images.flatten(0, 1)[:, None]).view_as(images))
        form = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        return torch.cat(parts, dim=1).flatten(0, 1).contiguous(memory_format=form)

    @abstractmethod
    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        """Clips (B, F, C, H, W) of the same shape."""

    def mix_image(self, images: Tensor) -> Tensor:
        """Images (B, 1, C, H, W): clips of one frame, unless said otherwise."""
        return self.mix(images, Layout(1))

    def before(self, module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """A hook: the layer stands before a module."""
        return (self(args[0]), *args[1:])

    def after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """A hook: the layer stands behind a module."""
        if isinstance(output, Tensor):
            return self(output)
        if isinstance(output, tuple):
            return (self(output[0]), *output[1:])
        return type(output)(sample=self(output.sample))


class FrameAttention(FrameLayer):
    """Attention along time at each place, with a learnt bias for each distance; so it takes any number of frames.

    An image behind a clip attends to itself alone, which is what VDM's mask says.

    Args:
        channels: Of the pictures.
        heads: Of the attention.
        reach: Distance from which on all frames are equally far.
        is_causal: Frames attend to those before them alone: MagicVideo's directed attention, which may be cached.

    Source: Ho et al., "Video Diffusion Models" (2022), section 3; Zhou et al., "MagicVideo" (2022), section 3.
    """

    def __init__(self, channels: int, heads: int, reach: int = 32, is_causal: bool = False) -> None:
        super().__init__()
        self.reach, self.is_causal = reach, is_causal
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, heads=heads, dim_head=channels // heads)
        self.nearness = nn.Embedding(2 * reach + 1, heads)
        for weight in (*self.attention.to_out[0].parameters(), self.nearness.weight):
            nn.init.zeros_(weight)

    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        places = clips.permute(0, 3, 4, 1, 2)  # (B, H, W, F, C)
        seen, attention = self.norm(places.flatten(0, 2)), self.attention
        query, key, value = (
            project(seen).unflatten(2, (attention.heads, -1)).transpose(1, 2)
            for project in (attention.to_q, attention.to_k, attention.to_v)
        )
        if layout.cache is not None:
            key, value = layout.cache.extend(self, key, value)
        bias = self._bias(query.shape[2], key.shape[2]).to(query)
        made = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        made = attention.to_out[0](made.transpose(1, 2).flatten(2))
        return clips + made.view_as(places).permute(0, 3, 4, 1, 2)

    def _bias(self, queries: int, keys: int) -> Tensor:
        """(heads, queries, keys), where queries are the last of the frames."""
        at = torch.arange(keys, device=self.nearness.weight.device)
        distance = at - at[keys - queries :, None]
        bias = self.nearness(distance.clamp(-self.reach, self.reach) + self.reach).permute(2, 0, 1)
        return bias.masked_fill(distance > 0, -torch.inf) if self.is_causal else bias


class TokenAttention(FrameAttention):
    """The same behind a transformer's block, where pictures are tokens (N, L, C): Tune-A-Video's third attention.

    Beside the paper it has the bias for each distance, without which frames could be in any order.

    Source: Wu et al., "Tune-A-Video" (ICCV 2023), section 4.1.
    """

    def after(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        return self(output.transpose(1, 2)[..., None])[..., 0].transpose(1, 2).contiguous()


class ChannelShift(FrameLayer):
    """Some channels from the frame before, some from the frame behind, zeros beyond the ends; no weights.

    A clip of one frame passes as it is.

    Args:
        share: Of the channels, each way; at 0 there is no shift.

    Source: An et al., "Latent-Shift" (2023), section 3.2. The share is that of Lin et al., "TSM" (ICCV 2019).
    """

    def __init__(self, share: float = 0.125) -> None:
        super().__init__()
        self.share = share

    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        count = int(clips.shape[2] * self.share)
        if count == 0 or clips.shape[1] == 1:
            return clips
        past, future, rest = clips.split([count, count, clips.shape[2] - 2 * count], dim=2)
        nothing = torch.zeros_like(past[:, :1])
        return torch.cat(
            [torch.cat([nothing, past[:, :-1]], dim=1), torch.cat([future[:, 1:], nothing], dim=1), rest], dim=2
        )


class TimeConvolution(FrameLayer):
    """A convolution along time behind one of pictures: together they are pseudo-3D.

    Args:
        channels: Of the pictures.

    Source: Singer et al., "Make-A-Video" (2022), section 3.2.1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0))
        nn.init.dirac_(self.convolution.weight)
        assert self.convolution.bias is not None
        nn.init.zeros_(self.convolution.bias)

    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        return self.convolution(clips.transpose(1, 2)).transpose(1, 2)


class FrameAdaptor(FrameLayer):
    """A scale and a shift of each channel in each frame: all that tells a shared convolution which frame it sees.

    Args:
        channels: Of the pictures.
        most: Frames that there are numbers for.

    Source: Zhou et al., "MagicVideo" (2022), section 3.
    """

    is_causal = True

    def __init__(self, channels: int, most: int = 32) -> None:
        super().__init__()
        self.most = most
        self.scale = nn.Parameter(torch.ones(most, channels))
        self.shift = nn.Parameter(torch.zeros(most, channels))

    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        rows = slice(layout.start, layout.start + clips.shape[1])
        return clips * self.scale[rows, :, None, None] + self.shift[rows, :, None, None]

    def mix_image(self, images: Tensor) -> Tensor:
        return images


class MixedLayer(FrameLayer):
    """z becomes α z + (1 - α) temporal(z), α learnt; an image has an α of 1 and passes as it is.

    Source: Blattmann et al., "Align your Latents" (CVPR 2023), section 3.1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blend = AlphaBlender(0.0, "learned_with_images")

    def mix(self, clips: Tensor, layout: Layout) -> Tensor:
        # Contiguous, since torch 2.13 may die in the backward pass of a norm on a CPU otherwise.
        made = self.temporal(clips.flatten(0, 1).contiguous(), clips.shape[1]).view_as(clips)
        is_image = torch.zeros(clips.shape[:2], device=clips.device)
        return self.blend(clips.transpose(1, 2), made.transpose(1, 2), is_image).transpose(1, 2)

    def mix_image(self, images: Tensor) -> Tensor:
        return images

    @abstractmethod
    def temporal(self, frames: Tensor, count: int) -> Tensor:
        """Frames (B·F, C, H, W) of clips of so many, of the same shape."""


class MixedConvolution(MixedLayer):
    """diffusers' convolutions along time, mixed in.

    Args:
        channels: Of the pictures.
        groups: Of the norms.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.layer = TemporalConvLayer(channels, norm_num_groups=groups)

    def temporal(self, frames: Tensor, count: int) -> Tensor:
        return self.layer(frames, count)


class MixedAttention(MixedLayer):
    """diffusers' attention along time, mixed in.

    Args:
        channels: Of the pictures.
        heads: Of the attention.
        groups: Of the norm.
        most: Frames that there are positions for.
    """

    def __init__(self, channels: int, heads: int, groups: int, most: int = 32) -> None:
        super().__init__()
        self.most = most
        self.layer = TransformerTemporalModel(
            heads, channels // heads, channels, norm_num_groups=groups, positional_embeddings="sinusoidal",
            num_positional_embeddings=most,
        )  # fmt: skip
        for weight in self.layer.proj_out.parameters():
            nn.init.zeros_(weight)

    def temporal(self, frames: Tensor, count: int) -> Tensor:
        return self.layer(frames, num_frames=count, return_dict=False)[0]


def check_layout(layer: FrameLayer, layout: Layout) -> None:
    """Refuses more frames than a layer knows, and a cache where frames know of those behind them.

    Raises:
        ConfigError: See above.
    """
    count = layout.start + layout.frames
    if layer.most is not None and count > layer.most:
        raise ConfigError(f"temporal layers that know {layer.most} frames got {count}; take shorter clips, or windows")
    if layout.cache is not None and not layer.is_causal:
        raise ConfigError(
            "a cache is for frames that know of none behind them, as in magic-video; without one, give whole clips"
        )
    if layout.cache is not None and layout.images:
        raise ConfigError("images stand alone and go with no cache; give them in a call of their own")
