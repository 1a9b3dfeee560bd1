"""I3D, as the TorchScript file that most tables of FVD are made with."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import InputError, WeightsError
from facediff.evaluation.networks.alexnet import load_script

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

SPAN, SIDE = 16, 224  # frames of a run, and pixels square


@lru_cache(maxsize=1)
def load_i3d(path: str) -> Any:
    """The network.

    Raises:
        WeightsError: The file is no TorchScript.
    """
    return load_script(path, "I3D")


@torch.inference_mode()
def i3d_features(case: Case) -> NDArray[np.float32]:
    """Logits (N, 400) of runs of sixteen frames, one after the other; what is left over at the end is left out.

    Raises:
        InputError: There are fewer than sixteen frames.
    """
    network, run, found = load_i3d(case.kit.weights["i3d"]), [], []
    for frame in case.frames:
        run.append(frame)
        if len(run) == SPAN:
            clip = torch.from_numpy(np.stack(run)).permute(3, 0, 1, 2)[None].float()  # (1, 3, T, H, W), 0 to 255
            try:
                found.append(network(clip, rescale=True, resize=True, return_features=True).numpy()[0])
            except (RuntimeError, TypeError) as error:
                raise WeightsError(
                    f"the TorchScript given as i3d is another's: {str(error).splitlines()[-1]}"
                ) from error
            run = []
    if not found:
        raise InputError(f"{case.name} has fewer than {SPAN} frames, of which FVD needs a run")
    return np.stack(found).astype(np.float32)
