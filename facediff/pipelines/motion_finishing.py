"""The last step of motion from speech: strengths, lips that rest, blinks.

It is a filter with state. A file is the filter over all of it, so what may look ahead and what may not (a live
session) are two implementations of ``MotionFinisher``, and nothing else knows which of them it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError
from facediff.motion import coefficients

FPS = coefficients.MOTION_FPS


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
    """A ``MotionFinisher`` of motion whose heads are as they are to be: it settles nothing before it has seen all.

    Args:
        seed: Of the blinks.
        lips: Strength of what the lower face does.
        head: Strength of what the head does; 0 keeps it still.
        blink_style: See ``BlinkStyle``.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        lips: float = 1.0,
        head: float = 1.0,
        blink_style: BlinkStyle | None = None,
    ) -> None:
        self._seed, self._lips, self._head = seed, lips, head
        self._blink_style = blink_style or BlinkStyle()
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
        out = np.concatenate(self._motion).astype(np.float32)
        open_share = self._lips * np.concatenate(self._speaking)
        for part in (coefficients.LIPS, coefficients.OPENING):
            out[:, part] *= open_share[:, None]
        for part in (coefficients.ANGLES, coefficients.SHIFT):
            out[:, part] *= self._head
        out[:, coefficients.LIDS] = draw_blinks(len(out), self._seed, self._blink_style)[:, None]
        return out


def finish_motion(
    finisher: MotionFinisher, motion: NDArray[np.floating], speaking: NDArray[np.floating]
) -> NDArray[np.float32]:
    """What a finisher makes of a whole clip's motion (T, 31); see ``MotionFinisher.push`` for the arguments."""
    return np.concatenate([finisher.push(motion, speaking), finisher.finish()])


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
