"""Mouths that open further than the source shows: what is between the lips is sampled, not averaged.

One or two steps from little noise give about the mean of all that could be there: right for skin, which is to be
mended, and most like the truth by any measure. But between lips that were closed it is a pale mist, between all teeth
and none. There a few steps more, from more noise, make up their mind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.landmarks import masks
from facediff.landmarks.alignment import CropTemplate
from facediff.landmarks.mesh import LIPS_INNER
from facediff.rendering.frame import WarpedFace

REACH, FEATHER = 0.05, 0.05  # eye distances around the inner lips


def mask_disoccluded(face: WarpedFace, points: NDArray[np.float32], template: CropTemplate) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: where in a crop a mouth shows what its source does not; landmarks (478, 3) in its pixels."""
    area = masks.region(points[LIPS_INNER], template.size, template.unit_px, reach=REACH, feather=FEATHER)
    return face.disocclusion * area


@torch.inference_mode()
def resample_disoccluded(
    mean: Tensor, new: Sequence[NDArray[np.float32]], sample: Callable[[list[int]], Tensor]
) -> Tensor:
    """Latents (F, L, h, w) that are ``mean`` but where mouths show what is new.

    Args:
        mean: What few steps made of all frames.
        new: Of every frame, what ``mask_disoccluded`` gave.
        sample: Makes the latents of some frames, by their rows, in more steps; asked only for those that need it.
    """
    rows = [row for row, area in enumerate(new) if area.any()]
    if not rows:
        return mean
    areas = torch.from_numpy(np.stack([new[row] for row in rows]))[:, None]
    share = torch.nn.functional.adaptive_avg_pool2d(areas, (mean.shape[-2], mean.shape[-1])).to(mean)
    made = mean.clone()
    made[rows] = torch.lerp(mean[rows], sample(rows), share)
    return made
