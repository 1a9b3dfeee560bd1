"""The last step of motion from speech for a live session: a ``MotionFinisher`` that looks at nothing to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients
from facediff.pipelines.motion_finishing import FPS
from facediff.pipelines.running_heads import RunningHeads

_ATTACK_S, _RELEASE_S = 0.5, 1.2  # in which a head begins to take part in speech, and goes back to idling
_CENTRE_S = 4.0  # in which what a head does all the time becomes its place at rest


@dataclass(frozen=True, kw_only=True)
class HeadStyle:
    """What heads, brows and gaze do while somebody speaks whose sound still comes in, where no others are made.

    ``RunningHeads`` make others, if the model folder has what they take.

    Attributes:
        angle_gain: What angles are multiplied by. Fit by: eye, to the spread of heads in the training clips, which
            smoothed samples fall short of. Seen on: the training clips. Range tried: 1 before, else unknown.
        shift_gain: The same for shifts. Fit by, seen on, range tried: unknown; 0.6 since the first version.
        gaze_gain: The same for the gaze. Fit by, seen on, range tried: unknown; 0.3 since the first version.
        angle_smoothing_s: Deviation, in seconds, of the Gaussian that takes tremor from the angles. Fit by, seen on,
            range tried: unknown.
        shift_smoothing_s: That of the shifts. Unknown likewise.
        brow_smoothing_s: That of the brows. Unknown likewise.
    """

    angle_gain: float = 2.2
    shift_gain: float = 0.6
    gaze_gain: float = 0.3
    angle_smoothing_s: float = 0.2
    shift_smoothing_s: float = 0.25
    brow_smoothing_s: float = 0.1


class RunningFinisher:
    """Gives back each row as it comes: smoothing is one-sided, and a head is pulled to where it is at rest.

    Lids and gaze are left to who idles; a blink takes no sound. Smoothing is by two poles whose deviation in time is
    that of the Gaussian that whole files get.

    Args:
        lips: Strength of what the lower face does.
        head: Strength of what the head does; 0 keeps it still.
        head_style: See ``HeadStyle``.
        heads: What makes brows, gaze and head; None for those of the motion that is pushed.

    Attributes:
        shares: (n,) of the rows that were pushed last: how far ``heads`` move the face, from 0, at rest, to 1.
    """

    def __init__(
        self,
        *,
        lips: float = 1.0,
        head: float = 1.0,
        head_style: HeadStyle | None = None,
        heads: RunningHeads | None = None,
    ) -> None:
        self._lips, self._head, self._style = lips, head, head_style or HeadStyle()
        self._heads = heads
        self._share, self._moves = 0.0, False
        self.shares = np.zeros(0, np.float32)
        self._poles: NDArray[np.float64] | None = None  # (2, 31)
        self._centre = np.zeros(coefficients.DIMENSIONS)
        style, step = self._style, 1 / FPS
        smoothing = np.zeros(coefficients.DIMENSIONS)
        for part, seconds in (
            (coefficients.ANGLES, style.angle_smoothing_s),
            (coefficients.SHIFT, style.shift_smoothing_s),
            (coefficients.BROWS, style.brow_smoothing_s),
            (coefficients.GAZE, style.brow_smoothing_s),
        ):
            smoothing[part] = seconds / np.sqrt(2)  # of each of two poles
        self._follow = np.where(smoothing > 0, 1 - np.exp(-step / np.maximum(smoothing, 1e-6)), 1.0)
        self._gain = np.ones(coefficients.DIMENSIONS)
        self._gain[coefficients.ANGLES] = style.angle_gain * head
        self._gain[coefficients.SHIFT] = style.shift_gain * head
        self._gain[coefficients.GAZE] = style.gaze_gain
        self._gain[coefficients.LIDS] = 0.0

    def push(self, motion: NDArray[np.floating], speaking: NDArray[np.floating]) -> NDArray[np.float32]:
        """As many rows as came; see ``MotionFinisher``."""
        out = np.empty((len(motion), coefficients.DIMENSIONS), np.float32)
        self.shares = np.empty(len(motion), np.float32)
        for k, (row, open_share) in enumerate(zip(motion, speaking, strict=True)):
            out[k] = self._finish(np.asarray(row, np.float64), float(open_share))
            self.shares[k] = self._share if self._heads is not None else 0.0
        return out

    def finish(self) -> NDArray[np.float32]:
        """None: nothing is kept back."""
        return np.zeros((0, coefficients.DIMENSIONS), np.float32)

    def _finish(self, row: NDArray[np.float64], open_share: float) -> NDArray[np.float64]:
        self._share += (open_share - self._share) * (
            1 - np.exp(-1 / FPS / (_ATTACK_S if open_share > self._share else _RELEASE_S))
        )
        if self._share < 1e-3 and open_share == 0.0:  # the next speech begins from rest
            if self._moves and self._heads is not None:
                self._heads.rest()
            self._poles, self._share, self._moves = None, 0.0, False
            return np.zeros(coefficients.DIMENSIONS)
        self._moves = True
        out = self._turn(row) * self._share
        for part in (coefficients.LIPS, coefficients.OPENING):
            out[part] = row[part] * self._lips * open_share
        return out

    def _turn(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Brows, gaze and head (31,) of somebody who speaks all the time."""
        if self._heads is not None:
            turned = self._heads.take().astype(np.float64)
            for part in (coefficients.ANGLES, coefficients.SHIFT):
                turned[part] *= self._head
            return turned
        if self._poles is None:
            self._poles = np.stack([row, row])
            self._centre = row.copy()
        for pole, behind in ((0, row), (1, self._poles[0])):
            self._poles[pole] += self._follow * (behind - self._poles[pole])
        smooth = self._poles[1].copy()
        self._centre += (smooth - self._centre) * (1 - np.exp(-1 / FPS / _CENTRE_S))
        for part in (coefficients.ANGLES, coefficients.SHIFT):
            smooth[part] -= self._centre[part]
        smooth *= self._gain
        return smooth
