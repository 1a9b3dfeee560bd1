"""Many videos, measured: each on its own, all of them together, and what could not be measured, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.errors import FaceDiffError, InputError
from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.feature_cache import content_hash
from facediff.evaluation.registry import Entry, Figure, Metric, Need, metrics
from facediff.evaluation.report import Report, measure_case

Progress = Callable[[str, int, int], None]  # the clip at hand, how many are done, and of how many


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was measured of several videos.

    Attributes:
        items: The videos that could be measured.
        reports: Of each.
        figures: Of all of them together, by the names of set metrics.
        truths: The same of the truths' halves, one against the other: what such a figure is where nothing is wrong.
        notes: Why a set metric was not measured, or what is to be thought of when it is read.
        failed: Why a video was not measured at all, by its name.
        weights: SHA-256 of the published weights that were used, by their names.
    """

    items: Sequence[Item]
    reports: Sequence[Report]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    truths: Mapping[str, Figure] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)

    def medians(self, *, of_truth: bool = False) -> dict[str, Figure]:
        """The median over the videos of each figure, by name."""
        reports = [r.truth if of_truth else r for r in self.reports]
        found: dict[str, Figure] = {}
        for name in metrics():
            values = [v for r in reports if r is not None and (v := r.figures.get(name)) is not None]
            if values:
                middle = np.median(np.array(values, np.float64), axis=0)
                found[name] = tuple(middle.tolist()) if np.ndim(middle) else float(middle)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured of any video, nor of all together."""
        return not self.figures and all(value is None for report in self.reports for value in report.figures.values())

    def reasons(self) -> dict[str, list[str]]:
        """What was not measured, by why: the names of figures, each with that of its video."""
        found: dict[str, list[str]] = {}
        for report in self.reports:
            for one in (report, report.truth):
                for name, reason in one.notes.items() if one is not None else ():
                    found.setdefault(reason, []).append(name)
        for name, reason in self.notes.items():
            found.setdefault(reason, []).append(name)
        return {reason: list(dict.fromkeys(names)) for reason, names in found.items()}


def score(
    items: Sequence[Item], chosen: Sequence[Metric], kit: Kit | None = None, progress: Progress | None = None
) -> Evaluation:
    """Measures videos one after the other; of each only its features are held, and those of sets until the end.

    What a cache holds of a video with the same content, companions and metrics is not measured again, so that a run
    that was stopped goes on where it was.

    Args:
        items: The videos.
        chosen: The metrics.
        kit: Published weights, and where features are kept.
        progress: Called before each video, and at the end.
    """
    kit = kit or Kit()
    of_sets = [one for one in chosen if one.is_of_sets]
    reports, good, failed = [], [], {}
    entries: dict[str, list[Entry]] = {one.name: [] for one in of_sets}
    notes: dict[str, str] = {}
    for number, item in enumerate(items):
        if progress is not None:
            progress(item.made.name, number, len(items))
        case = Case(item, kit)
        try:
            reports.append(_report(case, chosen))
            good.append(item)
        except FaceDiffError as error:
            failed[str(item.made)] = str(error)
            continue
        _collect(case, of_sets, entries, notes)
    if progress is not None:
        progress("", len(items), len(items))
    figures, truths = _of_sets(of_sets, entries, notes)
    used = {name: _hash(path) for name, path in kit.weights.items()}
    return Evaluation(
        items=good, reports=reports, figures=figures, truths=truths, notes=notes, failed=failed, weights=used
    )


def _report(case: Case, chosen: Sequence[Metric]) -> Report:
    """The report of a case, kept with its features."""

    def find() -> dict[str, NDArray]:
        told = json.dumps(measure_case(case, chosen).to_state())
        return {"json": np.frombuffer(told.encode(), np.uint8)}

    names = " ".join(sorted(one.name for one in chosen if not one.is_of_sets))
    weights = " ".join(f"{name} {_hash(path)}" for name, path in sorted(case.kit.weights.items()))
    kept = case.arrays(f"report {case.name} {case.item.key} {names} {weights} {case.kit.model}", find)
    return Report.from_state(json.loads(bytes(kept["json"])))


def _hash(path: str) -> str:
    try:
        return content_hash(path)
    except FaceDiffError:  # a name on a hub, or a folder
        return path


def _collect(case: Case, of_sets: Sequence[Metric], entries: dict[str, list[Entry]], notes: dict[str, str]) -> None:
    """Adds the features of a case to those of each set metric."""
    for one in of_sets:
        needs_truth = Need.TRUTH in one.needs
        if one.features is None or (needs_truth and case.item.truth is None):
            continue
        try:
            made = case.once(one.features)
            true = case.truth.once(one.features) if case.truth is not None else None
        except FaceDiffError as error:
            notes.setdefault(f"{one.name} without {case.name}", str(error))
            continue
        entries[one.name].append(Entry(str(case.item.truth or ""), made, true))  # type: ignore[arg-type]


def _of_sets(
    of_sets: Iterable[Metric], entries: Mapping[str, list[Entry]], notes: dict[str, str]
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    figures: dict[str, Figure] = {}
    truths: dict[str, Figure] = {}
    for one in of_sets:
        there = entries[one.name]
        if not there:
            continue
        try:
            figures[one.name] = one.measure(there)
        except InputError as error:
            notes[one.name] = str(error)
            continue
        if len({entry.truth for entry in there}) < 2 and one.name != "crps":
            notes[one.name] = (
                "a single clip is no distribution: compare this figure with nothing but that of clips as this one"
            )
        _add_floor(one, there, truths)
    return figures, truths


def _add_floor(one: Metric, entries: Sequence[Entry], truths: dict[str, Figure]) -> None:
    """Measures half of the truths against the other half, where there are as many as that."""
    true: list[Any] = list({entry.truth: entry.true for entry in entries if entry.true is not None}.values())
    if Need.TRUTH not in one.needs:
        halves = [Entry(str(k), features, None) for k, features in enumerate(true)]
    elif one.name == "crps" or len(true) < 4:
        return
    else:
        rest = true[1::2]
        halves = [Entry(str(k % len(rest)), features, rest[k % len(rest)]) for k, features in enumerate(true[::2])]
    try:
        if halves:
            truths[one.name] = one.measure(halves)
    except InputError:  # too little for two
        return
