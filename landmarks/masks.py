"""Soft masks of parts of the face, drawn from landmarks.

Distances are in units of the outer-eye distance, so that a mask covers the same skin at every size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import FACE_OVAL, LIPS_INNER, LIPS_OUTER

Mask = NDArray[np.float32]
# Jaw from ear to ear, closed over the upper lip under the nose.
LOWER_FACE = np.array([132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 327, 2, 98])


def mouth(
    points: NDArray[np.floating], size: tuple[int, int], unit_px: float, *, reach: float = 0.0, feather: float = 0.0
) -> Mask:
    """1 on the lips and up to ``reach`` around them. See ``region`` for the arguments."""
    return region(points[LIPS_OUTER], size, unit_px, reach=reach, feather=feather)


def inner_mouth(points: NDArray[np.floating], size: tuple[int, int], unit_px: float, *, feather: float = 0.0) -> Mask:
    """1 between the lips."""
    return region(points[LIPS_INNER], size, unit_px, feather=feather)


def lower_face(
    points: NDArray[np.floating], size: tuple[int, int], unit_px: float, *, reach: float = 0.0, feather: float = 0.0
) -> Mask:
    """1 from under the nose to the jaw and up to ``reach`` around."""
    return region(points[LOWER_FACE], size, unit_px, reach=reach, feather=feather)


def face_hull(
    points: NDArray[np.floating], size: tuple[int, int], unit_px: float, *, reach: float = 0.0, feather: float = 0.0
) -> Mask:
    """1 inside the face oval."""
    return region(points[FACE_OVAL], size, unit_px, reach=reach, feather=feather)


def region(
    polygon: NDArray[np.floating],
    size: tuple[int, int],
    unit_px: float,
    *,
    reach: float = 0.0,
    feather: float = 0.0,
) -> Mask:
    """A polygon grown by ``reach`` and faded out over ``feather`` beyond that.

    Args:
        polygon: Corners (N, 2 or 3) in pixels of the image that the mask is for.
        size: Width and height of the mask.
        unit_px: Pixels per outer-eye distance.
        reach: How far outside the polygon the mask is still 1.
        feather: Over what distance it then falls to 0; at least one pixel, against jagged edges.

    Returns:
        (H, W) float32 in [0, 1].
    """
    fade = max(feather * unit_px, 1.0)
    margin = int(np.ceil(reach * unit_px + fade)) + 1  # what lies so near outside the picture reaches into it
    flat, mask = np.asarray(polygon)[:, :2], np.zeros(size[::-1], np.float32)
    # further away the mask is 0, so no more of it is looked at
    low = np.clip(np.floor(flat.min(0)) - margin - 1, 0, size).astype(int)
    high = np.clip(np.ceil(flat.max(0)) + margin + 2, low, size).astype(int)
    if not (high > low).all():
        return mask
    width, height = high - low + 2 * margin
    outside = np.full((height, width), 255, np.uint8)
    corners = np.rint((flat + margin) * 16).astype(np.int32) - 16 * low.astype(np.int32)
    cv2.fillPoly(outside, [corners], 0, shift=4)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)[margin:-margin, margin:-margin]
    inside = distance * np.float32(-1.0 / fade)
    inside += np.float32(1.0 + (reach * unit_px + 0.5) / fade)
    mask[low[1] : high[1], low[0] : high[0]] = smoothstep(inside)
    return mask


def smoothstep(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """From 0 at 0 to 1 at 1, smooth at both ends and constant beyond."""
    x = np.clip(x, 0.0, 1.0)
    smooth: NDArray[np.floating] = 3.0 - 2.0 * x
    smooth *= x
    smooth *= x
    return smooth
