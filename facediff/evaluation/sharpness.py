"""How sharp pictures are without anything to compare them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve
from skimage.feature import canny

from facediff.evaluation.fidelity import face_crop
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.registry import Best, Curve, metric

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 16  # about so many are looked at
BLOCK, EDGES = 64, 0.002  # pixels, and the share of edge pixels from which on a block counts
BETA, LEAST_CONTRAST = 3.6, 51  # of the psychometric function, and the contrast below which wider edges look sharp
JUST_NOTICED = 63  # percent
REACH = 100  # pixels that an edge is followed to either side


def cpbd(grey: NDArray[np.floating]) -> float:
    """Share of edges (0 to 1) whose blur is not noticed, of grey levels (H, W) from 0 to 255; 0 without any edge.

    Source: Narvekar and Karam, "A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection"
    (IEEE TIP 2011); widths of edges by Marziliano et al. (ICIP 2002). Figures are those of the package cpbd 1.0.7.
    """
    grey = np.asarray(grey, np.float64)
    edges, widths = canny(grey), _widths(grey)
    counts = np.zeros(101)
    for top in range(0, grey.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, grey.shape[1] - BLOCK + 1, BLOCK):
            block = slice(top, top + BLOCK), slice(left, left + BLOCK)
            if np.count_nonzero(edges[block]) > EDGES * BLOCK**2:
                noticed = 5 if int(np.ptp(grey[block])) < LEAST_CONTRAST else 3
                found = widths[block][widths[block] > 0]
                chance = 1 - np.exp(-((found / noticed) ** BETA))
                counts += np.bincount(np.rint(100 * chance).astype(int), minlength=101)
    return float(counts[: JUST_NOTICED + 1].sum() / counts.sum()) if counts.any() else 0.0


def _widths(grey: NDArray[np.floating]) -> NDArray[np.float64]:
    """(H, W) the width of the upright edges, 0 elsewhere: as far as grey levels rise, or fall, on either side."""
    rise = np.zeros(grey.shape)
    down, across = np.gradient(grey)
    turn = 45 * np.rint(np.degrees(np.arctan2(down, across)) / 45)
    turn[across == 0] = 0
    rise[turn == 0], rise[np.abs(turn) == 180] = 1, -1
    found = np.zeros(grey.shape)
    if not turn.any():
        return found
    steps, edges = np.diff(grey, axis=1), _upright_edges(grey)
    for sign in (1, -1):
        rows, columns = np.nonzero((edges & (rise == sign))[1:-1, 1:-1])
        rising = sign * steps > 0
        before, after = _runs(rising[:, ::-1])[:, ::-1], _runs(rising)
        found[rows + 1, columns + 1] = before[rows + 1, columns] + after[rows + 1, columns + 2] + 2
    return found


def _runs(rising: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(H, W + 1) how many steps (H, W) from each place on, and none from the end, rise one after the other."""
    ends = np.pad(np.where(rising, rising.shape[1], np.arange(rising.shape[1])), ((0, 0), (0, 1)),
                  constant_values=rising.shape[1])  # fmt: skip
    nearest = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(nearest - np.arange(ends.shape[1]), REACH)


def _upright_edges(grey: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(H, W) the crests of the Sobel strength across, where it is more than twice its root mean square."""
    kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8.0
    strength = np.square(convolve(grey, kernel))
    strength[strength <= 2 * np.sqrt(np.mean(strength))] = 0
    wide = np.pad(strength, 1)
    centre = wide[1:-1, 1:-1]
    beside = (centre > wide[1:-1, :-2]) & (centre > wide[1:-1, 2:])
    above = (centre > wide[:-2, 1:-1]) & (centre > wide[2:, 1:-1])
    return beside | above


def _sharp(case: Case) -> Curve:
    track = case.track
    found = np.full(len(track), np.nan)
    for row, frame in read_chosen(thin(track.seen, FRAMES), case.frames):
        found[row] = cpbd(cv2.cvtColor(face_crop(frame, track.points[row]), cv2.COLOR_RGB2GRAY))
    return Curve.mean(found)


@metric("cpbd", best=Best.TRUE, views=_sharp)
def _cpbd(case: Case) -> Curve:
    """Sharpness of the aligned face without a truth: CPBD.

    Formula: share of edges with 1 - exp(-(w / w_JNB)^3.6) of 63 percent at most, w the edge's width, w_JNB 3 pixels, or
    5 in blocks of little contrast; face at 256x256, mean over some 16 frames
    Source: Narvekar and Karam (IEEE TIP 2011), figures as the package cpbd 1.0.7 gives them
    Range: 0 to 1; the truth's is best, since noise counts as sharp
    """
    return case.once(_sharp)
