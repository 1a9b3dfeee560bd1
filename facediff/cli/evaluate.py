"""facediff evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facediff.batch import manifest
from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import REFUSED, err, say, stages_bar

if TYPE_CHECKING:
    from facediff.evaluation.cases import Item
    from facediff.evaluation.pairing import Found
    from facediff.evaluation.registry import Metric
    from facediff.evaluation.report import Report
    from facediff.evaluation.scoring import Evaluation


@app.command()
def evaluate(
    made: Annotated[list[Path], typer.Argument(help="Videos, folders of them, or the manifest.jsonl of a batch.")],
    truth: Annotated[Path | None, typer.Option(help="What it should be, frame by frame; or a folder of such.")] = None,
    speech: Annotated[Path | None, typer.Option(help="What is said in it; its own sound by default.")] = None,
    portrait: Annotated[Path | None, typer.Option(help="The picture that it was made of.")] = None,
    text: Annotated[str | None, typer.Option(help="What it should show, in words; or a folder of .txt.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Names or groups of figures, with commas; all by default.")
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH of published weights, #SHA256 behind it. May be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a page with plots, JSON and CSV.")
    ] = None,
    model: Annotated[str, typer.Option(help="Whose embedded networks judge: base, or a model folder.")] = "base",
    cache: Annotated[Path | None, typer.Option(help="Folder where what was found is kept.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep nothing, and find all anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measure videos: against the sound, against a truth or a portrait, and against one another in time.

    Exit code 0 if one of them could be measured, 2 if none could.
    """
    from facediff.evaluation import sheets
    from facediff.evaluation.cases import Kit
    from facediff.evaluation.feature_cache import FeatureCache, default_folder
    from facediff.evaluation.registry import select_metrics
    from facediff.evaluation.scoring import score

    given, refused = _weights(weights or [])
    chosen = select_metrics(None if metrics is None else _names(metrics, refused), weights=given)
    found = _found(made, truth, speech, portrait, text)
    kit = Kit(FeatureCache(None if no_cache else cache or default_folder()), given, model)
    with stages_bar() as advance:
        evaluation = score(found.items, chosen, kit, lambda name, done, total: advance("measuring", done, total))
    for note in found.notes:
        say(note)
    for name, reason in evaluation.failed.items():
        say(reason if name in reason or Path(name).name in reason else f"{name}: {reason}", style="red")
    if not evaluation.reports:
        raise typer.Exit(REFUSED)
    for reason, names in evaluation.reasons().items():
        say(f"{_some(names)}: {reason}")
    if evaluation.is_empty:
        raise typer.Exit(REFUSED)
    if as_json:
        typer.echo(sheets.to_json(evaluation) if len(found.items) > 1 else sheets.one_to_json(evaluation))
    else:
        for line in _lines(evaluation):
            typer.echo(line)
        _say_left_out(chosen if metrics is None else None)
    if output is not None:
        with err.status("drawing the page"):
            written = sheets.write_sheets(evaluation, output, kit)
        for path in written:
            say_wrote(path)


def _weights(told: list[str]) -> tuple[dict[str, str], list[str]]:
    """The published weights that are what they should be, and the names of those that are not, which is said."""
    from facediff.errors import WeightsError
    from facediff.evaluation.published import read_weights

    given: dict[str, str] = {}
    refused: list[str] = []
    for one in told:
        try:
            given |= read_weights([one])
        except WeightsError as error:
            say(f"{error}; what needs it is left out", style="red")
            refused.append(one.partition("=")[0])
    return given, refused


def _names(given: str, refused: list[str]) -> list[str]:
    """The names of figures, without those that want weights which were refused.

    Raises:
        Exit: Nothing is left.
    """
    from facediff.evaluation.registry import metrics

    names = [name.strip() for name in given.split(",") if name.strip()]
    kept = [name for name in names if name not in metrics() or metrics()[name].weights not in refused]
    if names and not kept:
        raise typer.Exit(REFUSED)
    return kept


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _found(made: list[Path], truth: Path | None, speech: Path | None, portrait: Path | None, text: str | None) -> Found:
    """The videos of files and folders, and those of manifests with what they were made of."""
    from facediff.evaluation.pairing import Found, find_items

    lists = [path for path in made if path.is_file() and path.name == manifest.NAME]
    items: list[Item] = []
    notes: list[str] = []
    for path in lists:
        for one in _of_manifest(path, notes):  # what is given for all goes before what its job named
            told = find_items([one.made], truth=truth, speech=speech, portrait=portrait, text=text).items[0]
            items.append(replace(one, **{name: value for name, value in vars(told).items() if value is not None}))
    rest = [path for path in made if path not in lists]
    if rest or not lists:
        found = find_items(rest, truth=truth, speech=speech, portrait=portrait, text=text)
        items, notes = items + found.items, notes + found.notes
    return Found(items, notes)


def _of_manifest(path: Path, notes: list[str]) -> Iterator:
    """The clips that a batch has made, with their sources, speeches and drivers as its jobs named them."""
    from facediff.evaluation.cases import Item
    from facediff.media import is_video

    entries = manifest.Manifest(path.parent).entries.values()
    if not entries:
        notes.append(f"{path} lists no clip")
    for entry in entries:
        made = path.parent / entry.output
        if not entry.is_done or not made.is_file():
            notes.append(f"{entry.output} is not there ({entry.reason or 'it was moved'}), and is left out")
            continue
        inputs = {name: Path(str(told["path"])) for name, told in entry.inputs.items() if told.get("path")}
        gone = [name for name, place in inputs.items() if not place.is_file()]
        if gone:
            notes.append(f"{entry.output}: its {', '.join(gone)} is no longer there; it is measured without")
        there = {name: place for name, place in inputs.items() if name not in gone}
        source = there.get("source")
        shows = source is not None and is_video(source)
        yield Item(
            made=made, truth=source if shows else None, portrait=None if shows else source, speech=there.get("speech")
        )


def _lines(evaluation: Evaluation) -> Iterator[str]:
    from facediff.evaluation.registry import metrics
    from facediff.evaluation.sheets import format_figure

    if len(evaluation.reports) == 1:
        report = evaluation.reports[0]
        width, height = report.size
        yield f"{report.frames} frames of {width}x{height}, {report.fps:g} a second, {report.seconds:.2f} s"
        figures, truths = dict(report.figures), {} if report.truth is None else dict(report.truth.figures)
        head = "video"
    else:
        yield f"{len(evaluation.reports)} videos, {sum(r.frames for r in evaluation.reports)} frames"
        figures, truths, head = dict(evaluation.medians()), dict(evaluation.medians(of_truth=True)), "median"
    figures |= evaluation.figures
    truths |= evaluation.truths
    has_truth = any(_truth(r) for r in evaluation.reports)
    if has_truth:
        yield f"{'':20} {head:>18} {'truth':>18}"
    group = ""
    for name in sorted(figures, key=list(metrics()).index):
        if figures[name] is None:
            continue
        one = metrics()[name]
        if one.group != group:
            group = one.group
            yield f"-- {group}"
        other = f" {format_figure(truths.get(name)):>18}" if has_truth else ""
        yield f"{name:20} {format_figure(figures[name]):>18}{other}  {one.says}"


def _truth(report: Report) -> Report | None:
    return report.truth


def _say_left_out(chosen: list[Metric] | None) -> None:
    from facediff.evaluation.registry import metrics

    if chosen is None:
        return
    lacking: dict[str, list[str]] = {}
    for name, one in metrics().items():
        if one not in chosen:
            lacking.setdefault(one.weights or (one.library or ("",))[0], []).append(name)
    if lacking:
        told = "; ".join(f"{', '.join(names)} ({what})" for what, names in sorted(lacking.items()))
        say(f"left out for want of published weights or libraries: {told}; docs/evaluate.md says how to give them")
