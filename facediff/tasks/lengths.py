"""A video and what it is to say or do are seldom of one length: how long the clip is, and what its end shows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.masks import smoothstep
from facediff.rendering.source import Source
from facediff.types import Frame, Wave

log = logging.getLogger(__name__)

EASE_S = 0.2  # how long a face takes to be its own again, where the rest of a video follows as it is; by eye
FADE_S = 0.01  # over which a video's own sound comes in, against a click
NOTICED_S = 0.2  # difference of lengths that is worth a word


@dataclass(frozen=True)
class Span:
    """How long a clip is.

    Attributes:
        asked: Frames of what is said or done.
        moved: Frames in which the face is moved; those behind are the source's own.
        total: Frames of the clip.
    """

    asked: int
    moved: int
    total: int

    def extend(self, rows: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
        """A motion (T, 31) for all frames in which the face is moved, its last row held where it is too short.

        Args:
            rows: What is asked for.
            own: (T, 31) what the source does of itself, to which the motion returns where its own frames follow.
        """
        rows = np.concatenate([rows, np.repeat(rows[-1:], max(0, self.moved - len(rows)), axis=0)])[: self.moved]
        if self.total > self.moved > self.asked:
            steps = np.arange(1, self.moved - self.asked + 1) / (self.moved - self.asked + 1)
            share, tail = smoothstep(steps)[:, None].astype(np.float32), own[self.asked : self.moved]
            there = np.where(np.isfinite(tail), tail, rows[self.asked :])
            rows[self.asked :] += share * (there - rows[self.asked :])
        return rows

    def append_own(
        self, render: Callable[[slice], Iterator[Frame]], source: Source
    ) -> Callable[[slice], Iterator[Frame]]:
        """What renders a part of the clip, its end as it is in the source.

        Args:
            render: Renders a part of the frames in which the face is moved.
            source: The video.
        """
        if self.total == self.moved:
            return render

        def whole(part: slice) -> Iterator[Frame]:
            if part.start < self.moved:
                yield from render(slice(part.start, min(part.stop, self.moved)))
            first = max(part.start, self.moved)
            yield from islice(source.frames(first), max(0, part.stop - first))

        return whole


def measure_span(source: Source, asked: int, rate: Fraction, what: str) -> Span:
    """How long a clip of a source is, by ``source.after``; says what happens where that was not chosen.

    A portrait lasts as long as is asked, and so does a video by default: it ends there, or is played back and forth.
    ``cut`` ends with the shorter, ``hold`` and ``play`` with the longer of both. A video that is longer then plays on,
    with ``hold`` under a face that is at rest, with ``play`` as it is.

    Args:
        source: The video, at the clip's rate.
        asked: Frames of what is said or done.
        rate: Frames per second.
        what: What that is, in words.
    """
    own = len(source.track)
    if source.is_still or own == asked:
        return Span(asked, asked, asked)
    if source.after == "mirror":
        _say(source, (own - asked) / float(rate), what)
        return Span(asked, asked, asked)
    if source.after == "cut":
        return Span(asked, min(own, asked), min(own, asked))
    moved = total = max(own, asked)
    if source.after == "play" and own > asked:
        moved = min(own, asked + max(1, round(EASE_S * rate)))
    return Span(asked, moved, total)


def _say(source: Source, longer: float, what: str) -> None:
    """One line about a video that is so many seconds longer than what is asked of it."""
    if longer > NOTICED_S:
        log.warning(
            "%s is %.1f s longer than %s, so it is cut there; after=play shows the rest as it is, after=hold goes on "
            "with the face at rest", source.content, longer, what,
        )  # fmt: skip
    elif longer < -NOTICED_S:
        log.warning(
            "%s is %.1f s shorter than %s, so it is played back and forth; after=hold holds its last frame, after=play "
            "starts it again, after=cut ends with it", source.content, -longer, what,
        )  # fmt: skip


def fit_wave(wave: Wave, samples: int, rest: Wave | None = None) -> Wave:
    """A wave of so many samples; what it lacks is silence, or what another has there, faded in.

    Args:
        wave: (N,).
        samples: How many are wanted.
        rest: On the same time line, of any length.
    """
    if len(wave) >= samples:
        return wave[:samples]
    tail = np.zeros(samples - len(wave), np.float32)
    if rest is not None:
        own = rest[len(wave) : samples]
        tail[: len(own)] = own
        fade = min(len(tail), max(1, round(FADE_S * 48000)))
        tail[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    return np.concatenate([wave, tail])
