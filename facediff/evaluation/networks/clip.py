"""CLIP, through transformers: pictures and words in one space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import WeightsError
from facediff.types import Frame


class Clip:
    """Embeds pictures and texts.

    Args:
        name: A folder, or a name on the hub.

    Raises:
        WeightsError: There is no such model, or it is another's.
    """

    def __init__(self, name: str) -> None:
        self._model, self._processor = _load(name)

    @torch.inference_mode()
    def pictures(self, frames: Sequence[Frame]) -> NDArray[np.float32]:
        """Unit vectors (N, D) of frames."""
        return self._unit(self._model.get_image_features(**self._processor(images=list(frames), return_tensors="pt")))

    @torch.inference_mode()
    def text(self, words: str) -> NDArray[np.float32]:
        """The unit vector (D,) of a text; what is beyond the length that the model knows is cut off."""
        asked = self._processor(text=[words], return_tensors="pt", truncation=True, padding=True)
        return self._unit(self._model.get_text_features(**asked))[0]

    @staticmethod
    def _unit(found: Any) -> NDArray[np.float32]:
        vectors = found if isinstance(found, torch.Tensor) else found.pooler_output  # from transformers 5 on
        return torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()


@lru_cache(maxsize=1)
def _load(name: str) -> tuple[Any, Any]:
    from transformers import CLIPModel, CLIPProcessor

    try:
        return CLIPModel.from_pretrained(name, use_safetensors=True).eval(), CLIPProcessor.from_pretrained(name)
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f"there is no CLIP at {name}: {str(error).splitlines()[0]}") from error
