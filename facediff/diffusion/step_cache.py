"""A costly denoiser that is asked at every k-th noise level only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from facediff.diffusion.guidance import Predict
from facediff.errors import ConfigError


@dataclass
class _Kept:
    cond: Any  # kept, so that nothing else can take its identity
    output: Tensor
    level: float
    served: int


def cache_steps(predict: Predict[Any], levels: int) -> Predict[Any]:
    """``predict`` whose output serves as many successive noise levels; 1 is ``predict`` itself.

    What is said of a condition is kept apart from what is said of another. It serves one clip: where noise rises again,
    or the shape of x changes, it is asked anew.

    Args:
        predict: ``predict(x, t, cond)``; best of the noise or of the clean sample, which change little along a path.
        levels: At least 1.

    Raises:
        ConfigError: Fewer than 1.

    Source: in the manner of Ma et al., "DeepCache" (CVPR 2024), of the whole output.
    """
    if levels < 1:
        raise ConfigError(f"an output serves at least 1 noise level, not {levels}")
    if levels == 1:
        return predict
    memory: dict[int, _Kept] = {}

    def remembered(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        level = float(t)
        kept = memory.get(id(cond))
        if kept is not None and kept.output.shape == x.shape and level <= kept.level:
            kept.served += level < kept.level
            kept.level = level
            if kept.served <= levels:
                return kept.output
        memory[id(cond)] = _Kept(cond, predict(x, t, cond), level, 1)
        return memory[id(cond)].output

    return remembered
