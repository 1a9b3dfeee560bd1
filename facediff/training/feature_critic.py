"""A critic that judges pictures by what another network sees in them, and is told what they are to show.

Where few pictures are at hand a critic of pixels knows them by heart, or is fooled by a trick; one that looks through
features which were learnt elsewhere knows sooner what real pictures look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from accelerate.utils import reduce
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (24, 48, 64, 64)  # of the heads, finest features first


class CriticHead(nn.Module):
    """Judges every place of a map of features.

    Args:
        channels: Of the features; they are mixed at random once, so that none can be passed over (Sauer et al.,
            Projected GANs, NeurIPS 2021).
        width: Of the layers.
        conditions: Maps that it is told along.
    """

    mix: Tensor

    def __init__(self, channels: int, width: int, conditions: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(channels)
        mix = torch.randn(width, channels, 1, 1, generator=generator) / channels**0.5
        self.register_buffer("mix", mix)
        self.first = spectral_norm(nn.Conv2d(width + conditions, width, 3, padding=1))
        self.second = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        self.verdict = spectral_norm(nn.Conv2d(width, 1, 1))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Verdicts (B, 1, h, w), positive where real, on features (B, C, h, w); condition (B, conditions, H, W)."""
        even = features / (features.pow(2).mean(1, keepdim=True) + 1e-4).sqrt()
        told = F.adaptive_avg_pool2d(condition, (features.shape[-2], features.shape[-1])).to(features.dtype)
        made = torch.cat([F.conv2d(even, self.mix.to(features.dtype)), told], dim=1)
        return self.verdict(F.leaky_relu(self.second(F.leaky_relu(self.first(made), 0.2)), 0.2)).float()


class FeatureCritic:
    """Heads at several scales with their own optimiser; the training loop keeps their state with the network's.

    Args:
        channels: Of each map of features.
        conditions: Maps that it is told along.
        warmup: So many lessons it is not listened to, and over as many again more and more.
        learning_rate: Of Adam.
        seed: Of its first weights.
    """

    def __init__(
        self, channels: Sequence[int], *, conditions: int, warmup: int, learning_rate: float = 5e-4, seed: int = 0
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            heads = [CriticHead(each, width, conditions) for each, width in zip(channels, WIDTHS, strict=False)]
        self.heads = nn.ModuleList(heads).to("cuda" if torch.cuda.is_available() else "cpu")
        self._optimizer = torch.optim.Adam(self.heads.parameters(), lr=learning_rate, betas=(0.0, 0.99))
        self._warmup, self._lessons = warmup, 0

    @property
    def say(self) -> float:
        """How much it is listened to by now, from 0 to 1."""
        return min(max(self._lessons / max(self._warmup, 1) - 1, 0.0), 1.0)

    def teach(self, real: Sequence[Tensor], made: Sequence[Tensor], condition: Tensor, weight: Tensor) -> float:
        """One step on features of pictures of both kinds; returns its hinge loss before it.

        Args:
            real: Maps (B, C, h, w) of each scale.
            made: Likewise.
            condition: What both are to show, (B, conditions, H, W).
            weight: (B, 1, H, W) where verdicts count.
        """
        self.heads.train().requires_grad_(True)
        value = torch.zeros((), device=weight.device)
        for head, one, other in zip(self.heads, real, made, strict=False):
            of_real, of_made = head(one.detach(), condition), head(other.detach(), condition)
            value = value + mean_over(F.relu(1 - of_real) + F.relu(1 + of_made), weight) / len(self.heads)
        self._optimizer.zero_grad(set_to_none=True)
        value.backward()
        for parameter in self.heads.parameters():
            parameter.grad = reduce(parameter.grad, "mean")
        self._optimizer.step()
        self._lessons += 1
        return float(value.detach())

    def judge(self, made: Sequence[Tensor], condition: Tensor, weight: Tensor) -> Tensor:
        """How badly made pictures pass for real, a scalar; gradients flow to their features, not to the heads."""
        self.heads.eval().requires_grad_(False)  # spectral norms stay as they are
        told = [mean_over(head(features, condition), weight) for head, features in zip(self.heads, made, strict=False)]
        return -torch.stack(told).mean()

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {
            "heads": self.heads.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "lessons": self._lessons,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what ``state_dict`` gave."""
        self.heads.load_state_dict(state["heads"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._lessons = int(state["lessons"])


def mean_over(values: Tensor, weight: Tensor) -> Tensor:
    """The mean of values (B, 1, h, w), as the places (B, 1, H, W) of the picture weigh."""
    share = F.adaptive_avg_pool2d(weight, (values.shape[-2], values.shape[-1]))
    return (share * values).sum() / share.sum().clamp(min=1e-6)
