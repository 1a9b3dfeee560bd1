"""What is behind a person: how busy it is, and what it looks like where the person was."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.types import Frame

PLAIN_UNIT = 24  # pixels to an eye distance at which a background is looked at
PLATE_SIDE = 320  # pixels of the longer side at which the backdrop behind a person is made up


def make_backdrop(frame: Frame, mask: NDArray[np.float32], edge_px: float) -> NDArray[np.float32]:
    """The picture (H, W, 3) float32 with the person taken out, made up behind them from what is around.

    Args:
        frame: (H, W, 3) uint8.
        mask: (H, W) in [0, 1], see ``person_mask``.
        edge_px: How far around the person the picture still has something of them.
    """
    side = 2 * max(1, round(edge_px)) + 1
    hidden = cv2.dilate((mask > 0.1).astype(np.uint8), np.ones((side, side), np.uint8))
    height, width = frame.shape[:2]
    zoom = min(1.0, PLATE_SIDE / max(height, width))
    size = (max(8, round(width * zoom)), max(8, round(height * zoom)))
    small, gap = cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.resize(hidden, size)
    filled = cv2.inpaint(small, gap, 3, cv2.INPAINT_TELEA)
    filled = cv2.GaussianBlur(filled, (0, 0), 2)
    made_up = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    share = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), max(1.0, edge_px / 2))[..., None]
    return frame + share * (made_up - frame)


def measure_busyness(frame: Frame, mask: NDArray[np.float32], unit_px: float) -> float:
    """How steep, in levels to a pixel, the steeper tenth of a background is; 0 where there is none.

    Args:
        frame: (H, W, 3) uint8.
        mask: (H, W) in [0, 1], see ``person_mask``.
        unit_px: Pixels per eye distance; the picture is looked at with ``PLAIN_UNIT`` of them.
    """
    zoom = PLAIN_UNIT / unit_px
    size = (max(8, round(frame.shape[1] * zoom)), max(8, round(frame.shape[0] * zoom)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    person = cv2.dilate(cv2.resize((mask > 0.1).astype(np.uint8), size), np.ones((5, 5), np.uint8))
    across, down = (cv2.Sobel(small, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    steepness = np.sqrt((across**2 + down**2).sum(axis=2))[person == 0]
    return float(np.percentile(steepness, 90)) if steepness.size else 0.0
