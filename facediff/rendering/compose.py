"""Painted windows back into frames at source resolution, without a box and without a seam."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.types import Frame

GLANCE = 4  # pixels of which one is enough to tell colours
COLOURED = 8.0  # levels between the channels of what has some


def keep_detail(
    painted: NDArray[np.float32],
    coarse: NDArray[np.float32],
    coarse_round_trip: NDArray[np.float32],
    paste: NDArray[np.float32],
    fresh: NDArray[np.float32],
) -> NDArray[np.float32]:
    """What to add to the coarse frame so that it shows the painted window.

    Where skin stays skin, only the difference that the denoiser made is added, measured between two pictures that
    both went through the codec: pores and stubble that the codec cannot hold survive, and its colour error cancels.
    Where the content is new (between the lips), the painted pixels replace the coarse ones.

    Args:
        painted: Decoded window (H, W, 3), 0 to 255.
        coarse: The coarse frame's window, same shape.
        coarse_round_trip: The coarse window through the codec.
        paste: (H, W) in [0, 1]: how much of the change is wanted.
        fresh: (H, W) in [0, 1]: 1 where the painted pixels replace the coarse ones.
    """
    before = coarse - coarse_round_trip
    before *= fresh[..., None]
    before += coarse_round_trip
    change = np.subtract(painted, before, out=before)
    change *= paste[..., None]
    return change


def heed_colours(change: NDArray[np.float32], window: NDArray[np.number]) -> NDArray[np.float32]:
    """A change (H, W, 3), in levels, in greys where the window (H, W, 3) is a picture in black and white."""
    red, green, blue = (np.asarray(window[::GLANCE, ::GLANCE, channel], np.float32) for channel in range(3))
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    coloured = float((most - least).mean() / COLOURED)
    if coloured >= 1:
        return change
    grey = change.mean(axis=2, keepdims=True)
    heeded: NDArray[np.float32] = grey + np.float32(coloured) * (change - grey)
    return heeded


def add_window(
    frame: Frame,
    change: NDArray[np.float32],
    inverse: NDArray[np.floating],
    *,
    plain: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Frame:
    """The frame with a window's change added; pixels that the window does not reach stay as they are, bit for bit.

    Args:
        frame: (H, W, 3) uint8; not written to.
        change: (h, w, 3) float32 in the window; 0 at its border.
        inverse: Similarity (2, 3) from window pixels to frame pixels.
        plain: The window (h, w, 3) as it was, and where (h, w), from 0 to 1, what the frame has of finer detail goes.
    """
    height, width = frame.shape[:2]
    h, w = change.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64) @ inverse[:, :2].T + inverse[:, 2]
    low = np.clip(np.floor(corners.min(0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, [width, height]).astype(int)
    out = frame.copy()
    if (high <= low).any():
        return out
    shifted = np.asarray(inverse, np.float64).copy()
    shifted[:, 2] -= low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))

    def place(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        flags = cv2.INTER_LINEAR
        placed = cv2.warpAffine(picture, shifted, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(placed, np.float32)

    box, placed = out[low[1] : high[1], low[0] : high[0]], place(change)
    if plain is not None:
        coarse, where = plain
        placed += place(where)[..., None] * (place(coarse) - box)
    box[:] = np.clip(np.rint(box + placed), 0, 255).astype(np.uint8)
    return out
