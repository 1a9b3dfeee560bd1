"""Points of a face, and where each is taken, as text. Knows no face.

strokes="320,410:320,440"                              a point, and where it is put
strokes="320,410:330,420:320,440, 180,200:180,190"     by way of others; several
pins="256,120"                                         points that stay where they are
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

from facediff.errors import ConfigError

Point: TypeAlias = tuple[float, float]

MOST_STROKES, MOST_POINTS, MOST_TEXT = 64, 64, 20_000
LEAST_PX = 0.5  # length of a stroke
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_POINT = rf"({_NUMBER})\s*,\s*({_NUMBER})"
_STROKE = re.compile(rf"{_POINT}(?:\s*:\s*{_POINT})*")
_BETWEEN = re.compile(r"[\s,;]*")
_MEANING = "X,Y:X,Y, as in 320,410:320,440"


@dataclass(frozen=True)
class Stroke:
    """One point of a face, and where it is taken.

    Attributes:
        points: Two or more, x and y in pixels from the upper left of the picture; the first is on the face.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        """Refuses what is no stroke.

        Raises:
            ConfigError: It has fewer than two points, or too many, one is no pair of numbers, or it has no length.
        """
        try:
            points = tuple((float(x), float(y)) for x, y in self.points)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"a stroke is {_MEANING}, not {str(self.points)[:80]!r}") from error
        object.__setattr__(self, "points", points)
        if not all(map(math.isfinite, (each for point in points for each in point))):
            raise ConfigError(f"a stroke is {_MEANING}, not {self}")
        if not 2 <= len(points) <= MOST_POINTS:
            raise ConfigError(
                f"a stroke goes from a point to another, {_MEANING}, by {MOST_POINTS} at most, not {self}"
            )
        if self.length < LEAST_PX:
            raise ConfigError(f"stroke {self} has no length; give a point that is to stay as a pin")

    @property
    def length(self) -> float:
        """In pixels."""
        return sum(math.dist(a, b) for a, b in pairwise(self.points))

    @property
    def corners(self) -> list[float]:
        """After which shares of its length it has its points."""
        steps = accumulate(math.dist(a, b) for a, b in pairwise(self.points))
        return [step / self.length for step in steps]

    def at(self, share: float) -> Point:
        """Where its point is after a share of its length."""
        left = min(max(share, 0.0), 1.0) * self.length
        for a, b in pairwise(self.points):
            length = math.dist(a, b)
            if left <= length:
                part = left / length if length else 0.0
                return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])
            left -= length
        return self.points[-1]

    def __str__(self) -> str:
        return ":".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True)
class Strokes:
    """Several strokes at once; what ``Avatar.drag`` takes beside text.

    Attributes:
        strokes: In any order.
    """

    strokes: tuple[Stroke, ...]

    def to_json(self) -> str:
        """The strokes as JSON, a list of lists of points; ``read_strokes`` reads it."""
        return json.dumps([[list(point) for point in stroke.points] for stroke in self.strokes])


def read_strokes(text: str | None) -> tuple[Stroke, ...]:
    """The strokes of ``320,410:320,440, 180,200:180,190``, or of the JSON of ``Strokes``.

    Raises:
        ConfigError: It does not read so, one has no length, or there are too many.
    """
    given = _read_json(text) if (text or "").lstrip().startswith("[") else list(_parse(text or "", "stroke"))
    if len(given) > MOST_STROKES:
        raise ConfigError(f"there are {MOST_STROKES} strokes at most, not {len(given)}")
    return tuple(Stroke(tuple(points)) for points in given)


def read_pins(text: str | None) -> tuple[Point, ...]:
    """The points of ``256,120, 200,300``.

    Raises:
        ConfigError: It does not read so, or there are too many.
    """
    given = list(_parse(text or "", "pin"))
    if any(len(points) != 1 for points in given):
        raise ConfigError(f"pins are points that stay, X,Y, as in 256,120, not {str(text)[:80]!r}")
    if len(given) > MOST_STROKES:
        raise ConfigError(f"there are {MOST_STROKES} pins at most, not {len(given)}")
    return tuple(points[0] for points in given)


def _read_json(text: str | None) -> list[Sequence[Point]]:
    try:
        if len(str(text)) > MOST_TEXT:
            raise ValueError
        content = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"strokes are {_MEANING}, or lists of points as JSON, not {str(text)[:80]!r}") from error
    if not all(isinstance(one, list) and all(isinstance(point, list) for point in one) for one in content):
        raise ConfigError(f"strokes as JSON are [[[320, 410], [320, 440]]], not {str(text)[:80]!r}")
    return content


def _parse(text: str, what: str) -> Iterator[list[Point]]:
    """Chains of points, with commas, semicolons or blanks in between."""
    place = _BETWEEN.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    while place < len(text):
        found = _STROKE.match(text, place)
        after = text[found.end() :] if found else ""
        if found is None or (after and _BETWEEN.match(after).end() == 0):  # type: ignore[union-attr]
            meaning = _MEANING if what == "stroke" else "X,Y, as in 256,120"
            raise ConfigError(f"a {what} reads {meaning}, in pixels, not {text[place : place + 80]!r}")
        numbers = [float(one) for one in re.findall(_NUMBER, found[0])]
        yield list(zip(numbers[::2], numbers[1::2], strict=True))
        place = found.end() + _BETWEEN.match(after).end()  # type: ignore[union-attr]
