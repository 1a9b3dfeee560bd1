"""What a face does that says nothing: it breathes, sways, blinks, and looks about; without end, or in a loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError
from facediff.motion import coefficients

FPS = coefficients.MOTION_FPS
SHORTEST_LOOP_S = 2.0
_BLINK = np.array((0.35, 0.9, 1.0, 0.85, 0.55, 0.25, 0.08), np.float32)  # as in speech, at 25 frames a second
_SACCADE_S = 0.08


@dataclass(frozen=True, kw_only=True)
class IdleStyle:
    """How a face idles. All set by eye, on the sample portrait; no range was swept.

    Attributes:
        breath_s: Of one breath.
        sway_s: Periods of the head's sway, which have no common multiple in sight.
        angle_deg: Amplitude of the sway about x, y and z.
        shift: Amplitude to the right, downwards and towards the viewer; eye distances, log of the size.
        breath_shift: What breathing adds to the last two of these.
        gaze: Deviation of where eyes look, in eye widths, right and down.
        look_s: How long they stay there, from and to.
        blinks_per_minute: Mean number; pauses are of a gamma distribution, as in speech.
    """

    breath_s: float = 4.2
    sway_s: tuple[float, ...] = (5.3, 8.9, 13.7)
    angle_deg: tuple[float, float, float] = (0.7, 1.1, 0.6)
    shift: tuple[float, float, float] = (0.012, 0.006, 0.004)
    breath_shift: tuple[float, float] = (0.006, 0.002)
    gaze: tuple[float, float] = (0.022, 0.010)
    look_s: tuple[float, float] = (0.9, 3.2)
    blinks_per_minute: float = 17.0


class IdleMotion:
    """Rows of motion by their place in time, each alike however often and in what order it is asked for.

    Args:
        seed: Of all that is by chance.
        strength: Of head and gaze; blinks and breath stay.
        loop_s: Seconds after which it begins again, without a jump; None for no end.
        style: See ``IdleStyle``.

    Raises:
        ConfigError: A loop is too short for a blink and a look.
    """

    def __init__(
        self, *, seed: int = 0, strength: float = 1.0, loop_s: float | None = None, style: IdleStyle | None = None
    ) -> None:
        if loop_s is not None and loop_s < SHORTEST_LOOP_S:
            raise ConfigError(f"a loop lasts {SHORTEST_LOOP_S:g} seconds at least, not {loop_s:g}")
        self._style, self._seed, self._strength = style or IdleStyle(), seed, strength
        self._loop = loop_s
        rng = np.random.default_rng([seed, 0x1D7E])
        periods = np.array(self._style.sway_s)
        self._breath_s = self._style.breath_s
        if loop_s is not None:
            periods = loop_s / np.maximum(1, np.round(loop_s / periods))
            self._breath_s = loop_s / max(1, round(loop_s / self._breath_s))
        self._periods = periods
        self._phases = rng.uniform(0, 2 * np.pi, (6, len(periods)))
        self._shares = rng.dirichlet(np.full(len(periods), 4.0), 6)
        self._span = 60.0 if loop_s is None else loop_s  # blinks and looks are drawn a span at a time
        self._drawn: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def rows(self, first: float, count: int, step: float = 1.0) -> NDArray[np.float32]:
        """Motion (count, 31) from frame ``first`` of 25 a second on, every ``step`` of them; fractions are taken."""
        at = (first + step * np.arange(count)) / FPS
        out = np.zeros((count, coefficients.DIMENSIONS), np.float32)
        waves = np.sin(2 * np.pi * at[:, None, None] / self._periods + self._phases)
        rest = np.sin(self._phases)  # of frame 0, which is as the picture is
        sway = ((waves - rest) * self._shares).sum(axis=2) * self._strength
        out[:, coefficients.ANGLES] = sway[:, :3] * self._style.angle_deg
        out[:, coefficients.SHIFT] = sway[:, 3:] * self._style.shift
        breath = (1 - np.cos(2 * np.pi * at / self._breath_s)) / 2
        out[:, coefficients.SHIFT.start + 1 : coefficients.SHIFT.stop] -= breath[:, None] * self._style.breath_shift
        for k, moment in enumerate(at):
            out[k, coefficients.LIDS], out[k, coefficients.GAZE] = self._eyes(float(moment))
        return out

    def _eyes(self, moment: float) -> tuple[float, NDArray[np.float64]]:
        """Closure of the lids, and the gaze (2,)."""
        if self._loop is not None:
            moment %= self._loop
        span, inside = divmod(moment, self._span)
        blinks, looks = self._span_of(int(span))
        since = (inside - blinks) * FPS
        on = since[(since >= 0) & (since < len(_BLINK) - 1)]
        closure = float(np.interp(on[0], np.arange(len(_BLINK)), _BLINK)) if len(on) else 0.0
        now = int(np.searchsorted(looks[:, 0], inside, side="right")) - 1
        before = looks[max(0, now - 1), 1:]
        share = min(1.0, (inside - looks[now, 0]) / _SACCADE_S)
        return closure, before + share * (looks[now, 1:] - before)

    def _span_of(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Moments (n,) of blinks, and looks (m, 3) with their moments; eyes look ahead at both ends of a span."""
        if number not in self._drawn:
            style, rng = self._style, np.random.default_rng([self._seed, 0xE7E5, number])
            blinks, at = [], float(rng.uniform(0.6, 1.8))
            while at < self._span - 0.4:
                blinks.append(at)
                at += max(0.6, rng.gamma(3.0, 60.0 / style.blinks_per_minute / 3.0))
            looks, at = [(0.0, 0.0, 0.0)], float(rng.uniform(*style.look_s))
            while at < self._span - 0.5:
                away = rng.normal(size=2) * style.gaze * self._strength * (rng.random() < 0.6)
                looks.append((at, *np.clip(away, -0.05, 0.05)))
                at += float(rng.uniform(*style.look_s))
            looks.append((self._span - 0.3, 0.0, 0.0))
            while len(self._drawn) > 3:
                del self._drawn[min(self._drawn)]
            self._drawn[number] = np.array(blinks), np.array(looks)
        return self._drawn[number]
