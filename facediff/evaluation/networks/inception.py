"""The Inception network of FID and of the Inception Score, as the TorchScript file of StyleGAN and clean-fid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import WeightsError
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.networks.alexnet import load_script

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES, BATCH = 100, 16


@lru_cache(maxsize=1)
def load_inception(path: str) -> Any:
    """What turns pictures (B, 3, H, W) uint8 into 2048 features, or into the chances of 1008 classes.

    Raises:
        WeightsError: The file is no TorchScript.
    """
    return load_script(path, "Inception")


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
            try:
                pool.append(network(shown, return_features=True).numpy())
                chances.append(network(shown, no_output_bias=True).double().numpy())
            except (RuntimeError, TypeError) as error:
                said = str(error).splitlines()[-1]
                raise WeightsError(f"the TorchScript given as inception is another's: {said}") from error
            waiting.clear()

    for _, frame in read_chosen(thin(np.ones(case.length, bool), FRAMES), case.frames):
        waiting.append(frame)
        if len(waiting) == BATCH:
            flush()
    flush()
    return {"pool": np.concatenate(pool), "chances": np.concatenate(chances)}
