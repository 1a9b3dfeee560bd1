"""A critic that learns, beside the network that it judges, to tell made pictures from real ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from accelerate.utils import reduce
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LOUDER = 4.0  # of details over the picture


class PatchDiscriminator(nn.Module):
    """Judges every patch of a picture (Isola et al., pix2pix, CVPR 2017); spectral norms keep it smooth.

    It is shown details alone, louder: beside the whole picture what a codec loses is faint. On a codec trained for
    fidelity a critic of pictures had learnt nothing in 70 steps of 6 crops (hinge loss 1.99 of 2); one that saw details
    as well had (1.27), but pulled at colours too.

    Args:
        width: Channels at half the resolution; twice as many at a quarter and at an eighth.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = (12, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(one, other, 3, stride=1 if number == 0 else 2, padding=1))
            for number, (one, other) in enumerate(pairwise(widths))
        )
        self.verdict = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Verdicts (B, 1, H/8, W/8), positive where real, on pictures (B, 3, H, W), and what they are drawn from."""
        detail = LOUDER * (images - F.avg_pool2d(images, 7, 1, 3, count_include_pad=False))
        made, seen = F.pixel_unshuffle(detail, 2), []
        for layer in self.layers:
            made = F.leaky_relu(layer(made), 0.2)
            seen.append(made)
        return self.verdict(made), seen


class Adversary:
    """A discriminator with its own optimiser; the training loop keeps its state with that of the trained network.

    Args:
        warmup: So many lessons it is not listened to, and over as many again more and more.
        learning_rate: Of Adam.
        width: See ``PatchDiscriminator``.
        seed: Of its first weights.
    """

    def __init__(self, *, warmup: int, learning_rate: float = 4e-4, width: int = 64, seed: int = 0) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = PatchDiscriminator(width)
        self.network.to("cuda" if torch.cuda.is_available() else "cpu", memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = torch.optim.Adam(self.network.parameters(), lr=learning_rate, betas=(0.5, 0.99))
        self._warmup, self._lessons = warmup, 0

    @property
    def say(self) -> float:
        """How much it is listened to by now, from 0 to 1."""
        return min(max(self._lessons / max(self._warmup, 1) - 1, 0.0), 1.0)

    def teach(self, real: Tensor, made: Tensor) -> float:
        """One step on pictures of both kinds (B, 3, H, W); returns its hinge loss before it."""
        self.network.train().requires_grad_(True)
        told, _ = self.network(torch.cat([real, made]).detach())
        of_real, of_made = told.float().chunk(2)
        value = F.relu(1 - of_real).mean() + F.relu(1 + of_made).mean()
        self._optimizer.zero_grad(set_to_none=True)
        value.backward()
        for parameter in self.network.parameters():
            parameter.grad = reduce(parameter.grad, "mean")
        self._optimizer.step()
        self._lessons += 1
        return float(value.detach())

    def judge(self, real: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
        """How badly made pictures pass for real, and how far they are from the real ones in its features.

        Both are scalars through which gradients flow to ``made`` (B, 3, H, W), not to the discriminator. The second is
        that of pix2pixHD (Wang et al., CVPR 2018): it steadies the first.
        """
        self.network.eval().requires_grad_(False)  # spectral norms stay as they are
        with torch.no_grad():
            _, wanted = self.network(real)
        told, seen = self.network(made)
        apart = torch.stack([F.l1_loss(one.float(), other.float()) for one, other in zip(seen, wanted, strict=True)])
        return -told.float().mean(), apart.mean()

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "lessons": self._lessons,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what ``state_dict`` gave."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._lessons = int(state["lessons"])
