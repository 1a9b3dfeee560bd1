"""A denoiser of latents with cross-attention, as ``UNet2DConditionModel`` of diffusers has it with our settings.

The layers have the names and the order of diffusers', so weights, files and ranges of the one serve the other, and in
float32 the answers are the same but for rounding. It is here for who only renders: importing diffusers takes longer
than all else before the first frame. Whoever trains or adapts takes diffusers' class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.embeddings import TimestepEmbedding, Timesteps
from facediff.models.fused import add_convolved
from facediff.models.network import Network, keep_config
from facediff.models.norms import GroupNorm

DOWN, ATTENDING_DOWN, UP, ATTENDING_UP = "DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"
# What diffusers can be told otherwise and this is not made for; None stands for what diffusers then does by itself.
_ALWAYS: Mapping[str, Any] = {
    "act_fn": "silu", "addition_embed_type": None, "attention_type": "default", "center_input_sample": False,
    "class_embed_type": None, "conv_in_kernel": 3, "conv_out_kernel": 3, "cross_attention_norm": None,
    "downsample_padding": 1, "dropout": 0.0, "dual_cross_attention": False, "encoder_hid_dim": None,
    "encoder_hid_dim_type": None, "flip_sin_to_cos": True, "freq_shift": 0, "mid_block_only_cross_attention": None,
    "mid_block_scale_factor": 1, "mid_block_type": "UNetMidBlock2DCrossAttn", "num_attention_heads": None,
    "num_class_embeds": None, "only_cross_attention": False, "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": False, "resnet_time_scale_shift": "default",
    "reverse_transformer_layers_per_block": None, "time_cond_proj_dim": None, "time_embedding_act_fn": None,
    "time_embedding_dim": None, "time_embedding_type": "positional", "timestep_post_act": None,
    "transformer_layers_per_block": 1, "upcast_attention": False, "use_linear_projection": False,
}  # fmt: skip


class DenoiserUNet(Network):
    """Predicts what is noise in latents, told by maps beside them and by tokens.

    Args:
        in_channels: Of latents and maps.
        out_channels: Of latents.
        block_out_channels: Width at each resolution, the finest first.
        down_block_types: ``DownBlock2D``, or ``CrossAttnDownBlock2D`` where tokens are attended to.
        up_block_types: ``UpBlock2D`` or ``CrossAttnUpBlock2D``, the coarsest first.
        layers_per_block: Residual blocks at each resolution; on the way up one more.
        attention_head_dim: Heads of the attention at each resolution, whatever diffusers' name for it says.
        cross_attention_dim: Width of a token.
        norm_num_groups: Of the group normalisations.
        norm_eps: Of those of residual blocks.
        sample_size: For who asks; any size will do whose sides the downsamplings divide.
    """

    architecture = "UNet2DConditionModel"  # whose weights these are, for what is kept of them by their hash

    @keep_config
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        block_out_channels: Sequence[int],
        down_block_types: Sequence[str],
        up_block_types: Sequence[str],
        layers_per_block: int,
        attention_head_dim: int | Sequence[int],
        cross_attention_dim: int,
        norm_num_groups: int = 32,
        norm_eps: float = 1e-5,
        sample_size: int | Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        widths = list(block_out_channels)
        heads = [attention_head_dim] * len(widths) if isinstance(attention_head_dim, int) else list(attention_head_dim)
        make = _Maker(4 * widths[0], norm_num_groups, norm_eps, cross_attention_dim)
        self.conv_in = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.time_proj = Timesteps(widths[0])
        self.time_embedding = TimestepEmbedding(widths[0], 4 * widths[0])
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        kept = [widths[0]]  # channels of what the way up is given
        for level, (kind, width) in enumerate(zip(down_block_types, widths, strict=True)):
            before = [widths[max(level - 1, 0)], *[width] * (layers_per_block - 1)]
            is_last = level == len(widths) - 1
            self.down_blocks.append(
                _Level(make, before, width, heads[level] if kind == ATTENDING_DOWN else 0, None if is_last else "down")
            )
            kept += [width] * (layers_per_block + (not is_last))
        self.mid_block = _Middle(make, widths[-1], heads[-1])
        entering = widths[-1]
        for level, kind in zip(reversed(range(len(widths))), up_block_types, strict=True):
            before = [(widths[level] if layer else entering) + kept.pop() for layer in range(layers_per_block + 1)]
            attends = heads[level] if kind == ATTENDING_UP else 0
            self.up_blocks.append(_Level(make, before, widths[level], attends, "up" if level else None))
            entering = widths[level]
        self.conv_norm_out = GroupNorm(norm_num_groups, widths[0], eps=norm_eps)
        self.conv_out = nn.Conv2d(widths[0], out_channels, 3, padding=1)

    @staticmethod
    def fits(config: Mapping[str, Any]) -> bool:
        """Whether it is what a config of ``UNet2DConditionModel`` describes."""
        down, up = (tuple(config.get(f"{way}_block_types", ())) for way in ("down", "up"))
        if not {*down} <= {DOWN, ATTENDING_DOWN} or not {*up} <= {UP, ATTENDING_UP}:
            return False
        if not len(down) == len(up) == len(config.get("block_out_channels", ())) > 0:
            return False
        if not all(isinstance(config.get(name), int) for name in ("layers_per_block", "cross_attention_dim")):
            return False
        return all(config.get(name, usual) == usual for name, usual in _ALWAYS.items())

    def get_time_embed(self, sample: Tensor, timestep: Tensor | float) -> Tensor:
        """Sinusoids (B, C) of timesteps, one or (B,), in the type of ``sample``, (B, ...)."""
        levels = torch.as_tensor(timestep, device=sample.device).reshape(-1).expand(len(sample))
        return self.time_proj(levels).to(sample.dtype)

    def forward(
        self, sample: Tensor, timestep: Tensor | float, encoder_hidden_states: Tensor, return_dict: bool = False
    ) -> tuple[Tensor]:
        """What diffusers' class gives for noisy latents and maps (B, C, h, w), a timestep or (B,) and tokens (B, N, D).

        Raises:
            ValueError: A record is asked for.
        """
        if return_dict:
            raise ValueError("this gives a tuple; say return_dict=False")
        level = self.time_embedding(self.get_time_embed(sample, timestep))
        x = self.conv_in(sample)
        kept = [x]
        for block in self.down_blocks:
            x = block(x, level, encoder_hidden_states, gives=kept)
        x = self.mid_block(x, level, encoder_hidden_states)
        for block in self.up_blocks:
            x = block(x, level, encoder_hidden_states, takes=kept)
        return (self.conv_out(F.silu(self.conv_norm_out(x))),)


class _Maker:
    """Makes the parts of one network."""

    def __init__(self, time_width: int, groups: int, eps: float, token_width: int) -> None:
        self.time_width, self.groups, self.eps, self.token_width = time_width, groups, eps, token_width

    def block(self, before: int, after: int) -> _ResidualBlock:
        """A residual block."""
        return _ResidualBlock(before, after, self.time_width, self.groups, self.eps)

    def attention(self, width: int, heads: int) -> _SpatialTransformer:
        """Attention over places and to tokens."""
        return _SpatialTransformer(width, heads, self.token_width, self.groups)


class _Level(nn.Module):
    """Residual blocks of one resolution, with attention behind each where it has heads, and a change of resolution."""

    def __init__(self, make: _Maker, before: Sequence[int], width: int, heads: int, change: str | None) -> None:
        super().__init__()
        if heads:
            self.attentions = nn.ModuleList(make.attention(width, heads) for _ in before)
        self.resnets = nn.ModuleList(make.block(entering, width) for entering in before)
        if change == "down":
            self.downsamplers = nn.ModuleList([_Downsampling(width)])
        elif change == "up":
            self.upsamplers = nn.ModuleList([_Upsampling(width)])

    def forward(
        self, x: Tensor, level: Tensor, tokens: Tensor, *, gives: list[Tensor] | None = None,
        takes: list[Tensor] | None = None,
    ) -> Tensor:  # fmt: skip
        """What it makes of x; ``gives`` gets all on the way, and ``takes`` is what such a list is taken from."""
        attentions = self.attentions if hasattr(self, "attentions") else [None] * len(self.resnets)
        for block, attend in zip(self.resnets, attentions, strict=True):
            x = block(x if takes is None else torch.cat([x, takes.pop()], dim=1), level)
            x = x if attend is None else attend(x, tokens)
            if gives is not None:
                gives.append(x)
        if hasattr(self, "downsamplers"):
            x = self.downsamplers[0](x)
            if gives is not None:
                gives.append(x)
        if hasattr(self, "upsamplers") and takes is not None:
            x = self.upsamplers[0](x, takes[-1].shape[-2:])
        return x


class _Middle(nn.Module):
    """Two residual blocks with attention between them, at the coarsest resolution."""

    def __init__(self, make: _Maker, width: int, heads: int) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([make.attention(width, heads)])
        self.resnets = nn.ModuleList(make.block(width, width) for _ in range(2))

    def forward(self, x: Tensor, level: Tensor, tokens: Tensor) -> Tensor:
        made: Tensor = self.resnets[1](self.attentions[0](self.resnets[0](x, level), tokens), level)
        return made


class _ResidualBlock(nn.Module):
    """Two normalised convolutions beside the identity, with the timestep's embedding between them."""

    def __init__(self, before: int, after: int, time_width: int, groups: int, eps: float) -> None:
        super().__init__()
        self.norm1 = GroupNorm(groups, before, eps=eps)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, after)
        self.norm2 = GroupNorm(groups, after, eps=eps)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(before, after, 1) if before != after else None

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            made = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(level))[:, :, None, None]
            made = self.conv2(F.silu(self.norm2(made)))
            return made + (x if self.conv_shortcut is None else self.conv_shortcut(x))
        # the same numbers, in the place of those that nobody needs any more
        made = self.conv1(F.silu(self.norm1(x), inplace=True))
        made = self.norm2(made.add_(self.time_emb_proj(F.silu(level))[:, :, None, None]))
        beside = x if self.conv_shortcut is None else self.conv_shortcut(x)
        return add_convolved(self.conv2, F.silu(made, inplace=True), beside)


class _Downsampling(nn.Module):
    """Half the resolution, by a convolution with stride."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        return made


class _Upsampling(nn.Module):
    """A finer resolution: each place again, and a convolution over them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        made: Tensor = self.conv(F.interpolate(x, size=tuple(size), mode="nearest"))
        return made


class _SpatialTransformer(nn.Module):
    """Places that look at one another and at tokens (Rombach et al., CVPR 2022, section 3.3)."""

    def __init__(self, width: int, heads: int, token_width: int, groups: int) -> None:
        super().__init__()
        self.norm = GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([_TransformerBlock(width, heads, token_width)])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        rows = x.shape[2]
        places = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).flatten(1, 2)
        places = self.transformer_blocks[0](places, tokens)
        return add_convolved(self.proj_out, places.unflatten(1, (rows, -1)).permute(0, 3, 1, 2), x)


class _TransformerBlock(nn.Module):
    """Self-attention, attention to tokens, and a gated feed-forward layer, each normalised beside the identity."""

    def __init__(self, width: int, heads: int, token_width: int) -> None:
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(width), _Attention(width, width, heads)
        self.norm2, self.attn2 = nn.LayerNorm(width), _Attention(width, token_width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = _FeedForward(width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        seen = self.norm1(x)
        x = self.attn1(seen, seen) + x
        x = self.attn2(self.norm2(x), tokens) + x
        made: Tensor = self.ff(self.norm3(x)) + x
        return made


class _Attention(nn.Module):
    """Attention of x (B, N, width) to what is seen (B, M, seen)."""

    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(seen, width, bias=False)
        self.to_v = nn.Linear(seen, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width), nn.Identity()])

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (
            made.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for made in (self.to_q(x), self.to_k(seen), self.to_v(seen))
        )
        made: Tensor = self.to_out[0](F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return made


class _FeedForward(nn.Module):
    """Two linear maps with a gate between them (Shazeer, "GLU Variants Improve Transformer", 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([_Gated(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.net[2](self.net[0](x))
        return made


class _Gated(nn.Module):
    """A linear map, of which one half opens the other."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        made, gate = self.proj(x).chunk(2, dim=-1)
        return made * F.gelu(gate)
