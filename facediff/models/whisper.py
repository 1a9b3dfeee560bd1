"""The first layers of Whisper's encoder, of any length: what somebody says, hardly who says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.network import Network, keep_config
from facediff.system.on_demand import find_on_demand

if TYPE_CHECKING:
    from facediff.models.published import WhisperEncoder as WhisperEncoder

__getattr__ = find_on_demand(__name__, {"WhisperEncoder": "facediff.models.published"})


class WhisperEncoderNetwork(Network):
    """Log-mel at 100 columns a second to hidden states at 50 a second.

    Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (ICML 2023), section 2.2. Two
    things differ: sound is not padded to 30 seconds, and states of inner layers are read, where it is still heard how
    a sound is made; the last ones know words.

    Args:
        bands: Of the log-mel.
        width: Of a state.
        heads: Of attention.
        hidden: Width between the two linear maps of a layer.
        depth: How many layers there are.
        read: The layers whose outputs are read, from 1.
        dropped: Channels that are not read: one of Whisper-base grows to thirty times the usual where nobody speaks.
    """

    kept: Tensor
    positions: Tensor
    LONGEST = 1500  # states of 30 seconds, for which there are positions

    @keep_config
    def __init__(
        self,
        bands: int = 80,
        width: int = 512,
        heads: int = 8,
        hidden: int = 2048,
        depth: int = 4,
        read: tuple[int, ...] = (3, 4),
        dropped: tuple[int, ...] = (388,),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(bands, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, hidden, 0.0, F.gelu, batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        kept = [channel for channel in range(width) if channel not in set(dropped)]
        self.register_buffer("kept", torch.tensor(kept, device="cpu"), persistent=False)
        self.register_buffer("positions", sinusoids(self.LONGEST, width), persistent=False)

    @property
    def dim(self) -> int:
        """Channels of what is read."""
        return len(self.config["read"]) * len(self.kept)

    def forward(self, mel: Tensor) -> Tensor:
        """States (B, n, dim), state k centred on 20 k milliseconds, of Whisper's log-mel (B, 80, 2 n), n ≤ 1500."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).mT
        x = x + self.positions[: x.shape[1]]
        read = []
        for number, layer in enumerate(self.layers, 1):
            x = layer(x)
            if number in self.config["read"]:
                read.append(x[..., self.kept])
        return torch.cat(read, dim=-1)


def sinusoids(length: int, width: int) -> Tensor:
    """Positions (length, width): sines in the first half of the channels, cosines in the second."""
    frequency = 10_000 ** -(torch.arange(width // 2, device="cpu") / (width // 2 - 1))
    angle = torch.arange(length, device="cpu")[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def convert_weights(weights: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """A state dict of transformers' ``WhisperEncoder`` as one of this module, with so many layers of it."""
    out = {f"{conv}.{part}": weights[f"{conv}.{part}"] for conv in ("conv1", "conv2") for part in ("weight", "bias")}
    same = {
        "self_attn.out_proj": "self_attn.out_proj",
        "linear1": "fc1",
        "linear2": "fc2",
        "norm1": "self_attn_layer_norm",
        "norm2": "final_layer_norm",
    }
    for number in range(layers):
        layer = f"layers.{number}."
        for own, theirs in same.items():
            out |= {f"{layer}{own}.{part}": weights[f"{layer}{theirs}.{part}"] for part in ("weight", "bias")}
        joined = [weights[f"{layer}self_attn.{name}_proj.weight"] for name in "qkv"]
        query, value = (weights[f"{layer}self_attn.{name}_proj.bias"] for name in "qv")
        out[f"{layer}self_attn.in_proj_weight"] = torch.cat(joined)
        out[f"{layer}self_attn.in_proj_bias"] = torch.cat([query, torch.zeros_like(query), value])  # keys have none
    return out
