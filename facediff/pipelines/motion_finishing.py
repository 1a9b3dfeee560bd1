"""The last step of motion from speech: strengths, heads without tremor, lips that rest, blinks.

It is a filter with state. A file is the filter over all of it, so what may look ahead and what may not (a live
session) are two implementations of ``MotionFinisher``, and nothing else knows which of them it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.errors import ConfigError
from facediff.motion import coefficients

FPS = coefficients.MOTION_FPS


@dataclass(frozen=True, kw_only=True)
class HeadStyle:
    """What heads, brows and gaze do while somebody speaks.

    Attributes:
        angle_gain: What angles are multiplied by. Fit by: eye, to the spread of heads in the training clips, which
            smoothed samples fall short of. Seen on: the training clips. Range tried: 1 before, else unknown.
        shift_gain: The same for shifts. Fit by, seen on, range tried: unknown; 0.6 since the first version.
        gaze_gain: The same for the gaze. Fit by, seen on, range tried: unknown; 0.3 since the first version.
        angle_smoothing_s: Deviation, in seconds, of the Gaussian that takes tremor from the angles. Fit by, seen on,
            range tried: unknown.
        shift_smoothing_s: That of the shifts. Unknown likewise.
        brow_smoothing_s: That of the brows. Unknown likewise.
        ease_in_s: How long a head takes from where the picture has it to where it wants to be. Unknown likewise.
    """

    angle_gain: float = 2.2
    shift_gain: float = 0.6
    gaze_gain: float = 0.3
    angle_smoothing_s: float = 0.2
    shift_smoothing_s: float = 0.25
    brow_smoothing_s: float = 0.1
    ease_in_s: float = 0.8


@dataclass(frozen=True, kw_only=True)
class BlinkStyle:
    """How people blink.

    Attributes:
        per_minute: Blinks. Fit by: not fitted, what is usual of people who speak. Seen on: clips rendered of the
            benchmark's portraits, 11 to 28 a minute. Range tried: unknown.
        shape: Closure of the lids at 25 frames a second, one blink: quick to shut, slow to open. Fit by, seen on, range
            tried: unknown.
        first_s: Between which seconds the first one falls. Unknown likewise.
        least_pause_s: From the beginning of one to that of the next, at least. Unknown likewise.
        regularity: Shape of the gamma distribution of pauses; 1 is by chance alone, more is more even. Unknown
            likewise.
    """

    per_minute: float = 17.0
    shape: tuple[float, ...] = (0.35, 0.9, 1.0, 0.85, 0.55, 0.25, 0.08)
    first_s: tuple[float, float] = (0.8, 2.2)
    least_pause_s: float = 0.6
    regularity: float = 3.0

    def __post_init__(self) -> None:
        """Refuses blinks that nobody can draw.

        Raises:
            ConfigError: A rate, a pause or a regularity that is not above 0.
        """
        if min(self.per_minute, self.least_pause_s, self.regularity) <= 0:
            raise ConfigError(
                "blinks a minute, their least pause and regularity are above 0; for no blinks give no shape"
            )


class MotionFinisher(Protocol):
    """A filter from sampled motion to the motion that a face makes.

    Rows go in with ``push`` and come out, in order and each once, from ``push`` and ``finish`` together. However they
    are parted, the rows that come out are the same.
    """

    def push(self, motion: NDArray[np.floating], speaking: NDArray[np.floating]) -> NDArray[np.float32]:
        """The rows (n, 31) that are settled by now, perhaps none.

        Args:
            motion: The next rows (t, 31) as sampled, at 25 frames a second.
            speaking: (t,) from 0, where lips rest or have to meet, to 1.
        """
        ...

    def finish(self) -> NDArray[np.float32]:
        """The rows (n, 31) that are left; nothing comes after."""
        ...


class WholeClipFinisher:
    """A ``MotionFinisher`` that settles nothing before it has seen all: smoothing is centred, a head's mean is its own.

    Args:
        seed: Of the blinks.
        lips: Strength of what the lower face does.
        head: Strength of what the head does; 0 keeps it still.
        head_style: See ``HeadStyle``.
        blink_style: See ``BlinkStyle``.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        lips: float = 1.0,
        head: float = 1.0,
        head_style: HeadStyle | None = None,
        blink_style: BlinkStyle | None = None,
    ) -> None:
        self._seed, self._lips, self._head = seed, lips, head
        self._head_style, self._blink_style = head_style or HeadStyle(), blink_style or BlinkStyle()
        self._motion: list[NDArray[np.floating]] = []
        self._speaking: list[NDArray[np.floating]] = []

    def push(self, motion: NDArray[np.floating], speaking: NDArray[np.floating]) -> NDArray[np.float32]:
        """None, and the rows are kept; see ``MotionFinisher``."""
        self._motion.append(motion)
        self._speaking.append(speaking)
        return np.zeros((0, coefficients.DIMENSIONS), np.float32)

    def finish(self) -> NDArray[np.float32]:
        """All rows (T, 31)."""
        if not self._motion:
            return np.zeros((0, coefficients.DIMENSIONS), np.float32)
        style = self._head_style
        out = np.ascontiguousarray(np.concatenate(self._motion))  # sums round by the order of rows in memory
        open_share = self._lips * np.concatenate(self._speaking)
        for part in (coefficients.LIPS, coefficients.OPENING):
            out[:, part] *= open_share[:, None]
        for part, seconds in (
            (coefficients.ANGLES, style.angle_smoothing_s),
            (coefficients.SHIFT, style.shift_smoothing_s),
            (coefficients.BROWS, style.brow_smoothing_s),
        ):
            if seconds > 0:
                out[:, part] = gaussian_filter1d(out[:, part], seconds * FPS, axis=0, mode="nearest")
        for part in (coefficients.ANGLES, coefficients.SHIFT):
            out[:, part] -= out[:, part].mean(axis=0)
        _ease_in(out, style.ease_in_s)
        out[:, coefficients.ANGLES] *= style.angle_gain * self._head
        out[:, coefficients.SHIFT] *= style.shift_gain * self._head
        out[:, coefficients.GAZE] *= style.gaze_gain
        out[:, coefficients.LIDS] = draw_blinks(len(out), self._seed, self._blink_style)[:, None]
        return out.astype(np.float32)


def finish_motion(
    finisher: MotionFinisher, motion: NDArray[np.floating], speaking: NDArray[np.floating]
) -> NDArray[np.float32]:
    """What a finisher makes of a whole clip's motion (T, 31); see ``MotionFinisher.push`` for the arguments."""
    return np.concatenate([finisher.push(motion, speaking), finisher.finish()])


def _ease_in(motion: NDArray[np.floating], seconds: float) -> None:
    """Start where the picture is, so that the first frame does not jump."""
    rows = min(len(motion), int(seconds * FPS))
    ramp = np.linspace(0, 1, rows, dtype=np.float32) ** 2
    for part in (coefficients.ANGLES, coefficients.SHIFT):
        motion[:rows, part] *= ramp[:, None]


def draw_blinks(count: int, seed: int, style: BlinkStyle | None = None) -> NDArray[np.float32]:
    """Closure of the lids (T,) in [0, 1] at 25 frames a second; a longer clip begins as a shorter one does.

    Pauses between blinks are drawn from a gamma distribution, as people's are: seldom very short, sometimes long.
    """
    style = style or BlinkStyle()
    rng, shape = np.random.default_rng([seed, 0xB11]), np.array(style.shape)
    closure = np.zeros(count, np.float32)
    at = rng.uniform(*style.first_s) * FPS
    while at < count:
        start = int(at)
        stop = min(count, start + len(shape))
        closure[start:stop] = np.maximum(closure[start:stop], shape[: stop - start])
        pause = rng.gamma(style.regularity, 60.0 / style.per_minute / style.regularity)
        at += max(style.least_pause_s, pause) * FPS
    return closure
