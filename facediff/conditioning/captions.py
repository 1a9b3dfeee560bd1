"""What is said about a clip, in words that its denoiser was taught."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


def split_words(caption: str) -> list[str]:
    """The words of a caption, in small letters."""
    return re.findall(r"[^\W\d_]+", caption.lower())


class CaptionEncoder(ModelMixin, ConfigMixin):
    """A caption as a bag of words, each of which moves all tokens of a clip its own way.

    At first no word has an effect, so a denoiser that was trained without captions can be taught some.

    Args:
        vocabulary: Words that are known; others are passed over.
        dim: Width of the tokens.
    """

    @register_to_config
    def __init__(self, vocabulary: Iterable[str] = (), dim: int = 128) -> None:
        super().__init__()
        self._place = {word: index for index, word in enumerate(self.config["vocabulary"])}
        self.words = nn.Parameter(torch.zeros(len(self._place), dim))

    def find_known(self, caption: str) -> list[str]:
        """Those words of a caption that mean something here."""
        return [word for word in split_words(caption) if word in self._place]

    def bag(self, captions: Iterable[str]) -> Tensor:
        """(B, V): 1 for each word that is in a caption."""
        bag = torch.zeros(len(captions := list(captions)), len(self._place))
        for row, caption in enumerate(captions):
            for word in self.find_known(caption):
                bag[row, self._place[word]] = 1.0
        return bag

    def forward(self, bag: Tensor) -> Tensor:
        """What is added to the tokens (B, N, dim) of clips: (B, 1, dim), of bags (B, V)."""
        return (bag.to(self.words) @ self.words)[:, None]
