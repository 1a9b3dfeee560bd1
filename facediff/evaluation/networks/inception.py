"""The Inception network of FID and of the Inception Score, through torchmetrics."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import MissingExtra, WeightsError
from facediff.evaluation.fidelity import chosen, thin

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES, BATCH = 100, 16


@lru_cache(maxsize=1)
def load_inception(path: str) -> Any:
    """What turns pictures (B, 3, H, W) uint8 into 2048 features and 1008 logits.

    Raises:
        MissingExtra: torch-fidelity is not installed.
        WeightsError: The file is another's.
    """
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3
    except ImportError as error:
        raise MissingExtra("torchmetrics", "eval", "FID") from error
    try:
        return NoTrainInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], path).eval()
    except ModuleNotFoundError as error:
        raise MissingExtra("torch-fidelity", "eval", "FID") from error
    except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
        raise WeightsError(f"{path} is not the Inception of FID: {str(error).splitlines()[0]}") from error


@torch.inference_mode()
def inception_features(case: Case) -> dict[str, NDArray]:
    """``pool`` (N, 2048) and ``chances`` (N, 1008) of some 100 whole frames."""
    network = load_inception(case.kit.weights["inception"])
    pool: list[NDArray] = []
    chances: list[NDArray] = []
    waiting: list[NDArray] = []

    def flush() -> None:
        if waiting:
            shown = torch.from_numpy(np.stack(waiting)).permute(0, 3, 1, 2)
            features, logits = network.torch_fidelity_forward(shown)
            pool.append(features.numpy())
            chances.append(torch.softmax(logits.double(), dim=1).numpy())
            waiting.clear()

    for _, frame in chosen(thin(np.ones(case.length, bool), FRAMES), case.reader):
        waiting.append(frame)
        if len(waiting) == BATCH:
            flush()
    flush()
    return {"pool": np.concatenate(pool), "chances": np.concatenate(chances)}
