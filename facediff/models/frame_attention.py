"""Self-attention of a network of pictures, turned so that a frame looks at other frames of its clip instead of itself.

No weights are added: queries are a frame's own, keys and values those of the frames that it looks at. What lies on the
first axis is told by ``facediff.models.temporal_layers.lay_out``, as for temporal layers; single images behind a clip
look at themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.temporal_layers import Layout, current_layout

FIRST, SPARSE_CAUSAL = "first", "sparse-causal"
VIEWS = (FIRST, SPARSE_CAUSAL)


class CrossFrameProcessor:
    """Asks another processor, with the tokens of other frames in the place of a frame's own.

    Args:
        processor: What computes the attention.
        view: ``first``: each frame looks at frame 0, as in Text2Video-Zero. ``sparse-causal``: at frame 0 and at the
            frame before, as in Tune-A-Video; frame 0 then is its own neighbour.

    Raises:
        ConfigError: There is no such view.

    Source: Khachatryan et al., "Text2Video-Zero" (ICCV 2023), section 3.3.2; Wu et al., "Tune-A-Video" (ICCV 2023),
    section 4.1.
    """

    def __init__(self, processor: Any, view: str) -> None:
        if view not in VIEWS:
            raise ConfigError(f"frames look at others in one of the ways {', '.join(VIEWS)}, not {view!r}")
        self.processor, self.view = processor, view

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        *args: Any,
        **more: Any,
    ) -> Tensor:
        """As any processor of diffusers; where tokens are given to look at, they are looked at."""
        if encoder_hidden_states is None:
            tokens = hidden_states.flatten(2).transpose(1, 2) if hidden_states.ndim == 4 else hidden_states
            if attn.group_norm is not None:  # processors norm a frame's own tokens, but none that they are given
                tokens = attn.group_norm(tokens.transpose(1, 2)).transpose(1, 2)
            encoder_hidden_states = look_at_frames(tokens, self.view, current_layout())
        made: Tensor = self.processor(attn, hidden_states, encoder_hidden_states, *args, **more)
        return made


def look_at_frames(tokens: Tensor, view: str, layout: Layout) -> Tensor:
    """The tokens (N, L or 2 L, C) that each of N frames looks at, of theirs (N, L, C)."""
    clips = tokens.unflatten(0, (-1, layout.frames + layout.images))
    video, images = clips.split([layout.frames, layout.images], dim=1)
    first = video[:, :1].expand_as(video)
    if view == FIRST:
        return torch.cat([first, images], dim=1).flatten(0, 1)
    before = torch.cat([video[:, :1], video[:, :-1]], dim=1)
    seen = torch.cat([torch.cat([first, before], dim=2), torch.cat([images, images], dim=2)], dim=1)
    return seen.flatten(0, 1)


@contextmanager
def attend_across(*networks: nn.Module, view: str = FIRST) -> Iterator[None]:
    """Within, the frames that run through networks of pictures look at others of their clip.

    The networks are changed meanwhile and are as they were afterwards, so no two threads may share one.

    Args:
        networks: Any of diffusers with self-attention: UNets, ControlNets, the denoisers of this package.
        view: See ``CrossFrameProcessor``.

    Raises:
        ConfigError: There is no such view, or a network has no self-attention.
    """
    kept: list[tuple[Attention, Any]] = []
    try:
        for network in networks:
            kept += set_view(network, view)
        yield
    finally:
        for module, processor in kept:
            module.set_processor(processor)


def set_view(network: nn.Module, view: str) -> list[tuple[Attention, Any]]:
    """Has the frames in a network look at others from now on; gives each self-attention with its processor until then.

    Raises:
        ConfigError: See ``attend_across``.
    """
    found = [module for module in network.modules() if isinstance(module, Attention) and not module.is_cross_attention]
    if not found:
        raise ConfigError(f"frames look at one another by self-attention, and this {type(network).__name__} has none")
    kept = [(module, module.processor) for module in found]
    for module, processor in kept:
        module.set_processor(CrossFrameProcessor(processor, view))
    return kept
