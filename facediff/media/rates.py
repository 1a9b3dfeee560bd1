"""At how many frames a second a video is given, whatever its header and its time stamps say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import islice
from typing import Protocol

import av

LOWEST = Fraction(24)  # at which lips look as if they moved; what varies and is slower on the mean is filled up to it
HIGHEST = 240  # beyond it the header's rate is its clock, not that of its frames
_PROBED_FRAMES, _PROBED_PACKETS = 60, 300
_UNEVEN, _MOST_UNEVEN = Fraction(1, 4), Fraction(1, 10)  # a step that far off the usual one; how many may be
_FASTEST = 60  # of films that vary: shorter steps come from clocks
_STANDARDS = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    *map(Fraction, (30, 48, 50, 60)),
]
_NEAR = Fraction(3, 100)  # of milliseconds, in which Matroska counts


class Ratio(Protocol):
    """A rational number: PyAV has a class of its own for it from version 19 on."""

    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...


def fraction_of(ratio: Ratio | None) -> Fraction | None:
    """The same number as Python has it; None if there is none."""
    return None if ratio is None else Fraction(ratio.numerator, ratio.denominator)


def nominal_rate(stream: av.VideoStream) -> Fraction | None:
    """Frames per second as the header says; None where it does not."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 1 <= rate <= HIGHEST:
            return fraction_of(rate)
    return None


def held_rate(stream: av.VideoStream, times: Iterable[Fraction | None]) -> Fraction | None:
    """The same where the header counts empty frames, too: the rate of those that are there, by their times."""
    said, guessed = nominal_rate(stream), fraction_of(stream.guessed_rate)
    if said and guessed and guessed < said and abs(measured_rate(times) - guessed) <= guessed * _NEAR:
        return guessed
    return said


def measured_rate(times: Iterable[Fraction | None]) -> Fraction:
    """Mean rate of the first frames, for files whose header knows none; 25 where time stamps say nothing either."""
    known = [t for t in islice(times, _PROBED_FRAMES + 1) if t is not None]
    if len(known) < 2 or known[-1] <= known[0]:
        return Fraction(25)
    rate = (len(known) - 1) / (known[-1] - known[0])
    return min(max(rate, Fraction(1)), Fraction(HIGHEST)).limit_denominator(1001)


def packet_times(container: av.container.InputContainer, stream: av.VideoStream) -> list[Fraction]:
    """Time stamps in seconds of the first frames, in order, without decoding any."""
    stamps = (p.pts * p.time_base for p in container.demux(stream) if p.pts is not None and p.time_base)
    return sorted(islice(stamps, _PROBED_PACKETS))


def filled_rate(mean: Fraction, times: Sequence[Fraction]) -> Fraction:
    """The mean rate of a video; or, where it is low because frames come unevenly, that of the frames that come fast.

    A recording of a screen has no frame while nothing moves. Its mean says how much moved, not how fast.

    Args:
        mean: Frames per second.
        times: When frames are shown, in order, in seconds.
    """
    steps = sorted(after - before for before, after in zip(times, times[1:], strict=False) if after > before)
    if mean >= LOWEST or len(steps) < 2:
        return mean
    usual = steps[len(steps) // 2]
    if sum(abs(step - usual) > usual * _UNEVEN for step in steps) <= len(steps) * _MOST_UNEVEN:
        return mean
    rate = 1 / steps[len(steps) // 10]
    if rate > _FASTEST * (1 + _NEAR):
        return Fraction(30)
    rate *= max(1, math.ceil(LOWEST * (1 - _NEAR) / rate))
    nearest = min(_STANDARDS, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= nearest * _NEAR else rate.limit_denominator(1001)
