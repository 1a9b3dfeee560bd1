"""What people's mouths and eyes look like where a picture does not show them, as ``facediff train unseen`` fits it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from facediff.errors import WeightsError
from facediff.system.weights import EMBEDDED, find_model_with, model_folder

COMPONENT = "unseen"


@dataclass(frozen=True)
class Teeth:
    """The mean upper teeth.

    Attributes:
        picture: (H, W, 4): colour over the light on them, and how little of the dark is seen past them.
        unit_px: Its pixels to an eye distance.
        edge_row: Its row at which the incisors end; their middle is in the middle column.
    """

    picture: NDArray[np.float32]
    unit_px: float
    edge_row: float


@dataclass(frozen=True)
class AppearancePrior:
    """Means over many people.

    Attributes:
        teeth: Their upper teeth.
        lid: (h, w, 3) logarithm of a shut eye's light over that of the skin around, in the window of an eye.
    """

    teeth: Teeth
    lid: NDArray[np.float32]


@lru_cache(maxsize=4)
def load_appearance_prior(model: str | Path = EMBEDDED) -> AppearancePrior:
    """The prior of a model; that of the embedded model where a folder was trained without one.

    Raises:
        WeightsError: There is no such model, or its files are damaged.
    """
    folder = model_folder(find_model_with(model, COMPONENT), COMPONENT)
    try:
        teeth, lid = (load_file(folder / f"{name}.safetensors") for name in ("teeth", "lid"))
        return AppearancePrior(
            Teeth(teeth["picture"].astype(np.float32), float(teeth["unit_px"]), float(teeth["edge_row"])),
            lid["light"].astype(np.float32),
        )
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise WeightsError(f"the teeth and lids in {folder} are missing or damaged; train them again") from error
