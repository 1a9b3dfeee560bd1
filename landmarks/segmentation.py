"""Who is in front: a soft mask of the person in a picture, by MediaPipe's selfie segmentation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.detection import carries_models, choose_detector
from facediff.types import Frame


def person_mask(frame: Frame, quarters: int = 0) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how much of each pixel of an RGB frame belongs to a person, hair included.

    The network sees 256 by 256 pixels; the picture itself, as the guide of a filter, gives the edge its place.

    Args:
        frame: (H, W, 3) uint8.
        quarters: By which it is turned as ``np.rot90`` does before it is looked at: people who lie are told badly.
    """
    coarse = coarse_mask(frame, quarters)
    guide = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(2, round(max(frame.shape[:2]) / 128))
    return np.clip(_guided_filter(guide, coarse, radius, 1e-3), 0, 1)


def coarse_mask(frame: Frame, quarters: int = 0) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how much of each pixel of an RGB frame belongs to a person, as the network says, enlarged.

    Args:
        frame: See ``person_mask``.
        quarters: See ``person_mask``.
    """
    if choose_detector() == "mediapipe" and carries_models():
        from facediff.landmarks.mediapipe_backend import mask_person
    else:
        from facediff.landmarks.torch_backend import mask_person
    if not quarters:
        return mask_person(frame)
    return np.ascontiguousarray(np.rot90(mask_person(np.ascontiguousarray(np.rot90(frame, quarters))), -quarters))


def _guided_filter(
    guide: NDArray[np.float32], values: NDArray[np.float32], radius: int, smoothness: float
) -> NDArray[np.float32]:
    """Values that are locally linear in a guide (He et al., "Guided Image Filtering", PAMI 2013, equations 5 to 8)."""

    def mean(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.blur(x, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)

    guide_mean, values_mean = mean(guide), mean(values)
    covariance = mean(guide * values) - guide_mean * values_mean
    slope = covariance / (mean(guide * guide) - guide_mean**2 + smoothness)
    return mean(slope) * guide + mean(values_mean - slope * guide_mean)
