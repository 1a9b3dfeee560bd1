"""What is measured of a finished video, as one record: from its pixels and its sound, not from what made it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facediff.errors import FaceDiffError, NoFaceFound
from facediff.evaluation.cases import Case, Item, Kit, Model, TrackedVideo
from facediff.evaluation.registry import Curve, Figure, Metric, Need, metrics, select_metrics

__all__ = ["Model", "Report", "TrackedVideo", "evaluate", "measure_case"]
_FACTS = ("frames", "fps", "seconds", "size", "compared")


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of a video, by name and as attributes; None where there was nothing to measure one by.

    Attributes:
        name: Of the file.
        frames: How many there are.
        fps: Of them in a second.
        seconds: Its length.
        size: Width and height in pixels.
        compared: Frames that were compared with the truth's.
        figures: What was measured, by the names of ``facediff.evaluation.registry.metrics``.
        notes: Why something was not, by those names; and by those of ``frames`` and ``size`` what is to be thought of.
        curves: What was measured frame by frame.
        truth: The truth's own figures, which say what is good for this person and this sound.
    """

    name: str
    frames: int
    fps: float
    seconds: float
    size: tuple[int, int]
    compared: int | None = None
    figures: Mapping[str, Figure | None] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, list[float | None]] = field(default_factory=dict, repr=False)
    truth: Report | None = None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in metrics():
            return self.figures.get(name)
        raise AttributeError(f"a report has no {name!r}")

    def to_dict(self) -> dict[str, Any]:
        """The figures by name, as JSON takes them, without those that are None."""
        facts = {name: getattr(self, name) for name in _FACTS}
        found = {name: value for name, value in {**facts, **self.figures}.items() if value is not None}
        return found if self.truth is None else {**found, "truth": self.truth.to_dict()}

    def to_json(self) -> str:
        """For programs."""
        return json.dumps(self.to_dict(), indent=2)

    def rows(self) -> Iterator[tuple[str, Figure, Figure | None, str]]:
        """Name, figure, the truth's own and what it means, of all that was measured."""
        for name, value in self.figures.items():
            if value is not None:
                true = None if self.truth is None else self.truth.figures.get(name)
                yield name, value, true, metrics()[name].says

    def to_state(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return {**vars(self), "truth": None if self.truth is None else self.truth.to_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Report:
        """What ``to_state`` gave."""
        figures = {name: tuple(value) if isinstance(value, list) else value for name, value in state["figures"].items()}
        truth = None if state["truth"] is None else cls.from_state(state["truth"])
        return cls(**{**state, "figures": figures, "truth": truth, "size": tuple(state["size"])})


def evaluate(
    made: str | Path,
    *,
    truth: str | Path | None = None,
    speech: str | Path | None = None,
    portrait: str | Path | None = None,
    text: str | None = None,
    names: Iterable[str] | None = None,
    kit: Kit | None = None,
) -> Report:
    """Measures a finished video.

    Args:
        made: The video.
        truth: What it should be, frame by frame over the common length.
        speech: What is said in it; its own sound by default.
        portrait: The picture that it was made of; the truth's first frame with a face by default.
        text: What it should show, in words.
        names: Of metrics, or of groups of them; by default all that need nothing which is not there.
        kit: Published weights, and where features are kept; by default there are none, and none are kept.

    Raises:
        MediaError, AudioError: A file cannot be read.
        NoFaceFound: A file shows no face.
        InputError: Video and truth differ in their rates of frames.
        ConfigError, MissingExtra: A metric is not known, or wants what is not there.
    """
    paths = [None if path is None else Path(path) for path in (made, truth, speech, portrait)]
    item = Item(made=Path(made), truth=paths[1], speech=paths[2], portrait=paths[3], text=text)
    kit = kit or Kit()
    chosen, case = select_metrics(names, weights=kit.weights), Case(item, kit)
    for one in (case, case.against() if truth is not None else None):
        if one is not None and not one.track.usable.any():
            raise NoFaceFound(f"{one.name}: no human face was found")
    _ = case.wave, portrait and case.model
    return measure_case(case, chosen)


def measure_case(case: Case, chosen: Iterable[Metric]) -> Report:
    """The figures of a case, and of its truth; what cannot be measured is noted by name.

    Raises:
        MediaError: The video cannot be read.
    """
    chosen = list(chosen)
    has_truth = case.item.truth is not None
    has_picture = has_truth or case.item.portrait is not None
    there = _there(case, has_picture=has_picture)
    with suppress(FaceDiffError):  # a truth that cannot be read, which is told below, as is a video
        case.see(view for one in chosen if all(there[need] for need in one.needs) for view in one.views)
    chosen = [one for one in chosen if not one.is_of_sets]
    report = _measured(case, chosen, has_picture=has_picture)
    if not has_truth:
        return report
    facts: dict[str, Any] = {}
    try:
        true = case.truth
        assert true is not None
        facts["compared"] = min(case.length, true.length)
        facts["notes"] = {**report.notes, **_differences(case, true)}
        facts["truth"] = _measured(true, [one for one in chosen if one.is_of_one], has_picture=True)
    except FaceDiffError as error:  # a truth that cannot be read
        facts = {"notes": {**report.notes, "truth": str(error)}}
    return Report(**{**vars(report), **facts})


def _differences(case: Case, true: Case) -> dict[str, str]:
    """In what a video and its truth differ that are compared nevertheless, a sentence each."""
    found = {}
    if case.length != true.length:
        common = min(case.length, true.length)
        found["frames"] = f"{case.name} has {case.length} and its truth {true.length}; the first {common} are compared"
    ours, theirs = (f"{one.reader.info.width}x{one.reader.info.height}" for one in (case, true))
    if ours != theirs:
        found["size"] = f"{case.name} has {ours} pixels and its truth {theirs}; whole frames are resized to the truth's"
    return found


def _there(case: Case, *, has_picture: bool) -> dict[Need, bool]:
    return {
        Need.TRUTH: case.item.truth is not None,
        Need.PICTURE: has_picture,
        Need.TEXT: case.item.text is not None,
        Need.SPEECH: case.item.speech is not None or case.reader.info.has_audio,
    }


def _measured(case: Case, chosen: Iterable[Metric], *, has_picture: bool) -> Report:
    there = _there(case, has_picture=has_picture)
    figures: dict[str, Figure | None] = {}
    notes: dict[str, str] = {}
    curves: dict[str, list[float | None]] = {}
    for one in chosen:
        if not all(there[need] for need in one.needs):
            if Need.SPEECH in one.needs and not there[Need.SPEECH]:
                notes[one.name] = f"{case.name} has no sound; give --speech"
            continue
        try:
            found = one.measure(case)
        except FaceDiffError as error:
            notes[one.name] = str(error)
            continue
        if isinstance(found, Curve):
            curves[one.name] = [float(f"{v:.5g}") if np.isfinite(v) else None for v in found.values]
            found = found.figure
        figures[one.name] = found
    info = case.reader.info
    return Report(
        name=case.name, frames=case.length, fps=case.fps, seconds=case.length / case.fps,
        size=(info.width, info.height), figures=figures, notes=notes, curves=curves,
    )  # fmt: skip
