"""The dark between lips that were closed in the source.

From closed lips a denoiser of few steps paints about the mean of all mouths: a mist of the colour of lips, in which a
mouth does not look open. What is behind lips lies in their shadow, so it is darkened, and what was painted there is
left as a trace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER

REACH, FEATHER = -0.005, 0.02  # eye distances around the inner lips
CLOSED, PARTED = 0.016, 0.03  # opening of lips, in eye distances, that shows nothing and enough
SHADE = np.array([0.2, 0.13, 0.13], np.float32)  # light behind lips, over their own
DEEPEST = 0.85  # share of what is put there
TEETH = np.array([1.12, 1.0, 0.88], np.float32)  # upper teeth, in the shadow of the lip, over the lips' mean light
TEETH_FROM, TEETH_TO = 0.2, 0.6  # of the way from the upper lip to the lower, over which they end
LOWER_EDGE = LIPS_INNER[:11]  # from the viewer's left to the right
UPPER_EDGE = np.roll(LIPS_INNER, -10)[10::-1]


def unseen(lack: float, shown: float) -> float:
    """How little is known of what is between lips, from 0 to 1.

    Args:
        lack: How much of it the frame lacks, see ``facediff.rendering.shot.Shot``.
        shown: How far the lips are apart, in eye distances, where the source or its reference shows them widest.
    """
    return lack * float(np.clip((PARTED - shown) / (PARTED - CLOSED), 0, 1))


def darkness(
    window: NDArray[np.float32], points: NDArray[np.floating], unit_px: float, share: float
) -> NDArray[np.float32]:
    """What to add to a painted window so that it is dark between the lips.

    Args:
        window: (H, W, 3) levels.
        points: Landmarks (478, 3) in its pixels.
        unit_px: Its pixels per eye distance.
        share: How dark, from 0 to 1.
    """
    size = window.shape[1], window.shape[0]
    between = masks.region(points[LIPS_INNER], size, unit_px, reach=REACH, feather=FEATHER)
    lips = np.clip(masks.region(points[LIPS_OUTER], size, unit_px) - between, 0, 1)[..., None]
    colour = (window * lips).sum((0, 1)) / max(float(lips.sum()), 1.0)
    x = np.arange(size[0], dtype=np.float32)
    top, bottom = (np.interp(x, *points[row, :2].T) for row in (UPPER_EDGE, LOWER_EDGE))
    down = (np.arange(size[1], dtype=np.float32)[:, None] - top) / np.maximum(bottom - top, 1.0)
    below = np.clip((down - TEETH_FROM) / (TEETH_TO - TEETH_FROM), 0, 1)[..., None]
    teeth = TEETH * colour.mean()
    wanted = teeth + below * below * (3 - 2 * below) * (SHADE * colour - teeth)
    return (share * DEEPEST * between)[..., None] * (wanted - window)
