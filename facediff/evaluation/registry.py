"""The metrics, by name: what each says, its formula, source and range, and what it needs to be measured.

A metric is a function with the decorator ``metric`` in any module of this room; what is said of it is its docstring.
Nothing else has to be told of a new one: the command, the report and the table of the page read it from here.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, MissingExtra

Figure = float | int | tuple
_PARTS = ("Formula", "Source", "Range")


class Need(str, Enum):
    """What a metric cannot be measured without, beside the video."""

    TRUTH = "truth"
    SPEECH = "speech"
    PICTURE = "portrait"  # or a truth, whose first frame serves
    TEXT = "text"


class Best(str, Enum):
    """Which way a figure is better."""

    HIGH = "high"
    LOW = "low"
    TRUE = "the truth's"  # neither: what the real speaker does is best
    ONE = "1"
    ZERO = "0"


class Curve(NamedTuple):
    """A figure that was measured frame by frame.

    Attributes:
        figure: What is said of the whole.
        values: (T,) of its frames; NaN where there was nothing to measure.
    """

    figure: Figure | None
    values: NDArray[np.floating]

    @classmethod
    def mean(cls, values: Sequence[float] | NDArray[np.floating]) -> Curve:
        """The curve whose figure is its mean; None where nothing was measured."""
        array = np.asarray(values, np.float64)
        known = array[np.isfinite(array)]
        return cls(float(known.mean()) if len(known) else None, array)


class Entry(NamedTuple):
    """What a set metric is given of each clip.

    Attributes:
        truth: Names the truth; clips of one truth are samples of it. Empty where there is none.
        made: Features of the clip.
        true: Of its truth.
    """

    truth: str
    made: NDArray
    true: NDArray | None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric.

    Attributes:
        name: Of its figure.
        says: What it is, in a line.
        formula: How it is computed.
        source: Who defined it.
        range: Of its values, and what is usual.
        best: Which way it is better.
        group: The module of its subject.
        needs: What it cannot be measured without.
        measure: Of a clip, a ``Case`` to a figure, a ``Curve`` or None; of a set, ``Entry`` of each clip to a figure.
        features: Of a set metric: a ``Case`` to what is kept of it; None for a metric of clips.
        views: What of a ``Case`` looks at its frames, each asked by ``Case.once``, so that one reading serves them all.
        weights: Published weights that it needs, by name; None for what travels with facediff.
        library: A module and the extra that brings it, where it needs one.
    """

    name: str
    says: str
    formula: str
    source: str
    range: str
    best: Best
    group: str
    needs: frozenset[Need]
    measure: Callable[..., Any]
    features: Callable[..., NDArray | None] | None = None
    views: Sequence[Callable[..., Any]] = ()
    weights: str | None = None
    library: tuple[str, str] | None = None

    @property
    def is_of_sets(self) -> bool:
        """Whether it is of all clips together."""
        return self.features is not None

    @property
    def is_of_one(self) -> bool:
        """Whether a clip has it without its truth, so that the truth has one of its own."""
        return Need.TRUTH not in self.needs and not self.is_of_sets


_METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    best: Best,
    needs: Need | Iterable[Need] = (),
    features: Callable[..., NDArray | None] | None = None,
    views: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    weights: str | None = None,
    library: tuple[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a metric; its docstring has a line that says what it is, and Formula, Source and Range."""

    def register(measure: Callable[..., Any]) -> Callable[..., Any]:
        says, told = _told(measure)
        if name in _METRICS and _METRICS[name].measure.__module__ != measure.__module__:
            raise ConfigError(f"there are two metrics {name!r}: in {_METRICS[name].group} and {measure.__module__}")
        _METRICS[name] = Metric(
            name=name, says=says, **told, best=best, group=measure.__module__.rpartition(".")[2],
            needs=frozenset((needs,) if isinstance(needs, Need) else needs), measure=measure, features=features,
            views=(views,) if callable(views) else tuple(views), weights=weights, library=library,
        )  # fmt: skip
        return measure

    return register


def _told(measure: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first line of a docstring, and its parts, each from ``Name:`` up to the next or an empty line."""
    text = inspect.getdoc(measure) or ""
    told = {}
    for part in _PARTS:
        found = re.search(rf"^{part}: (.+?)(?=\n\s*\n|\n(?:{'|'.join(_PARTS)}): |\Z)", text, re.M | re.S)
        if found is None:
            raise ConfigError(f"the metric {measure.__module__}.{measure.__name__} does not say its {part.lower()}")
        told[part.lower()] = " ".join(found[1].split())
    return text.splitlines()[0].rstrip("."), told


@cache
def metrics() -> Mapping[str, Metric]:
    """All metrics by name, in the order of the names of their modules and of their places there."""
    import facediff.evaluation as room

    for module in sorted(one.name for one in pkgutil.iter_modules(room.__path__)):
        importlib.import_module(f"{room.__name__}.{module}")
    return dict(sorted(_METRICS.items(), key=lambda item: item[1].group))


def select_metrics(names: Iterable[str] | None = None, *, weights: Collection[str] = ()) -> list[Metric]:
    """The metrics of those names or groups; by default all that can be had.

    Args:
        names: Of metrics or of groups.
        weights: The published weights that there are, by name.

    Raises:
        ConfigError: There is no such metric or group, or one that is named wants weights.
        MissingExtra: One that is named needs a library that is not installed.
    """
    known = metrics()
    if names is None:
        return [one for one in known.values() if can_be_had(one, weights)]
    chosen: dict[str, Metric] = {}
    for name in names:
        group = [one for one in known.values() if one.group == name]
        if name not in known and not group:
            groups = ", ".join(sorted({m.group for m in known.values()}))
            raise ConfigError(f"there is no metric or group {name!r}; groups are {groups}")
        for one in [known[name]] if name in known else [one for one in group if can_be_had(one, weights)]:
            if one.weights is not None and one.weights not in weights:
                raise ConfigError(
                    f"{one.name} needs the published weights {one.weights!r}; give --weights {one.weights}=PATH"
                )
            if one.library is not None and importlib.util.find_spec(one.library[0]) is None:
                raise MissingExtra(one.library[0], one.library[1], f"the metric {one.name}")
            chosen[one.name] = one
    return list(chosen.values())


def can_be_had(one: Metric, weights: Collection[str]) -> bool:
    """Whether its weights are there and its library is installed."""
    has_library = one.library is None or importlib.util.find_spec(one.library[0]) is not None
    return has_library and (one.weights is None or one.weights in weights)
