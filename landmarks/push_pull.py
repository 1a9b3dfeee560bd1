"""Pictures of which something is not known, filled in smoothly from what is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def push_pull(picture: NDArray[np.float32], known: NDArray[np.floating], smooth: float = 2.0) -> NDArray[np.float32]:
    """A smooth picture (h, w, ...) from what is known of one, weights (h, w) from 0 to 1.

    Args:
        picture: Of any number of channels, or of none.
        known: How well each pixel is known.
        smooth: Deviation, in pixels, of the blur at last.

    Source: Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4 (push and pull over a pyramid).
    """
    weight = known.astype(np.float32)
    return cv2.GaussianBlur(_pull(picture * as_factor(weight, picture), weight), (0, 0), smooth)


def _pull(weighted: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    if min(weight.shape) < 4:
        axes = (0, 1)
        mean = weighted.sum(axes, keepdims=True) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean, weighted.shape).astype(np.float32)
    coarse = _pull(cv2.pyrDown(weighted), cv2.pyrDown(weight))
    size = (weight.shape[1], weight.shape[0])
    share = np.minimum(weight, 1.0)
    rough = cv2.resize(np.ascontiguousarray(coarse), size, interpolation=cv2.INTER_LINEAR)
    own = weighted / as_factor(np.maximum(weight, 1e-6), weighted)
    return rough + as_factor(share, rough) * (own - rough)


def as_factor(mask: NDArray[np.float32], picture: NDArray[Any]) -> NDArray[np.float32]:
    """A mask (h, w) that multiplies a picture, with colours or without."""
    return mask[..., None] if picture.ndim == 3 else mask
