"""An evaluation as files: JSON and CSV for programs, and a page that needs nothing but itself."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from facediff.evaluation.cases import Case, Kit
from facediff.evaluation.feature_cache import makers_hash
from facediff.evaluation.plots import plot_curves, plot_medians, worst_moments
from facediff.evaluation.registry import Best, Figure, metrics
from facediff.evaluation.report import Report
from facediff.evaluation.scoring import Evaluation
from facediff.system.files import atomic_write

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1f2733}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2.2rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid #e3e6ea;vertical-align:top}
tr.group td{border-bottom-color:#8a94a3;padding-top:.9rem;font-weight:600}
td.n,th.n{text-align:right;white-space:nowrap}td.b{white-space:nowrap}code{font-size:.9em}.note{color:#8a3b12}
small{display:block;color:#5d6878}svg{max-width:100%;height:auto}
figure{display:inline-block;margin:.4rem .8rem .4rem 0}figcaption{font-size:.85rem}figure img{max-width:100%}
@media(max-width:640px){tr{display:grid;border-bottom:1px solid #e3e6ea}
tr{grid-template-columns:minmax(0,1fr) repeat(3,minmax(0,max-content))}td.n,th.n,td.b{white-space:normal}
td,th{border:0;padding-right:.5rem;overflow-wrap:anywhere}td.says,.group td{grid-column:1/-1}
th:last-child{display:none}}
"""


def format_figure(value: Figure | None) -> str:
    """A figure in four digits; nothing where there is none."""
    if value is None:
        return ""
    return " ".join(map(format_figure, value)) if isinstance(value, tuple) else f"{float(f'{value:.4g}'):g}"


def to_json(evaluation: Evaluation, *, with_curves: bool = False) -> str:
    """For programs: each video, all together, what was not measured and why, and by which weights."""
    videos = []
    for report in evaluation.reports:
        told: dict[str, Any] = {"name": report.name, **report.to_dict()}
        if report.notes:
            told["notes"] = dict(report.notes)
        if with_curves:
            told["curves"] = dict(report.curves)
        videos.append(told)
    found = {
        "measured_by": makers_hash(), "videos": videos, "together": dict(evaluation.figures),
        "together_truth": dict(evaluation.truths), "notes": dict(evaluation.notes),
        "failed": dict(evaluation.failed), "weights": dict(evaluation.weights),
    }  # fmt: skip
    return json.dumps(found, indent=2)


def one_to_json(evaluation: Evaluation) -> str:
    """For programs, of a single video: its figures by name, with those that are of sets."""
    told = evaluation.reports[0].to_dict()
    true = told.pop("truth", None)
    told |= evaluation.figures
    return json.dumps(told if true is None else {**told, "truth": {**true, **evaluation.truths}}, indent=2)


def to_csv(evaluation: Evaluation) -> str:
    """A line a video; the truth's own figures in columns of their own, and three for what is of three angles."""
    rows = [_flat(report) for report in evaluation.reports]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(report: Report) -> dict[str, Any]:
    row: dict[str, Any] = {"name": report.name}
    for prefix, told in (("", report.to_dict()), ("truth_", {} if report.truth is None else report.truth.to_dict())):
        for name, value in told.items():
            if name == "truth":
                continue
            parts = {name: value} if not isinstance(value, tuple) else {f"{name}_{k}": v for k, v in enumerate(value)}
            row |= {prefix + part: v for part, v in parts.items()}
    return row


def to_page(evaluation: Evaluation, kit: Kit | None = None) -> str:
    """A page of all of it with plots and the worst moments as pictures; nothing is fetched when it is read."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>facediff evaluate</title>'
        f"<style>{_STYLE}</style></head><body><h1>{_title(evaluation)}</h1>{_how_to_read(evaluation)}"
        + "".join(_sections(evaluation, kit or Kit()))
        + "</body></html>\n"
    )


def _title(evaluation: Evaluation) -> str:
    count = len(evaluation.reports)
    return f"{html.escape(evaluation.reports[0].name)}, measured" if count == 1 else f"{count} videos, measured"


def _how_to_read(evaluation: Evaluation) -> str:
    told = (
        "Each figure stands with the way in which it is better, and with its range and what is usual. Where neither "
        "more nor less is better, a real film of the same person and sound is the measure: "
    )
    if any(report.truth is not None for report in evaluation.reports):
        return f"<p>{told}that is the truth, whose own figures stand beside the video's.</p>"
    return f"<p>{told}give one with <code>--truth</code>, and its own figures stand beside these.</p>"


def _sections(evaluation: Evaluation, kit: Kit) -> Iterator[str]:
    for name, reason in evaluation.failed.items():
        yield f'<p class="note">{html.escape(name)} was not measured: {html.escape(reason)}</p>'
    for reason, names in evaluation.reasons().items():
        yield f'<p class="note">{html.escape(", ".join(names))}: {html.escape(reason)}</p>'
    if evaluation.figures:
        yield "<h2>All together</h2>" + _table(evaluation.figures, evaluation.truths)
    if len(evaluation.reports) > 1:
        yield "<h2>Medians</h2>" + _table(evaluation.medians(), evaluation.medians(of_truth=True))
        yield _legend(evaluation.reports) + plot_medians(evaluation.reports)
    for item, report in zip(evaluation.items, evaluation.reports, strict=True):
        facts = f"{report.frames} frames of {report.size[0]}×{report.size[1]}, {report.fps:g} a second"
        yield f"<h2>{html.escape(report.name)}</h2><p>{facts}</p>"
        yield _table(report.figures, {} if report.truth is None else report.truth.figures)
        moments = worst_moments(Case(item, kit), report)
        if moments:
            yield "<p>Where it is worst" + (", its truth on the right" if report.truth is not None else "") + ":</p>"
        for moment in moments:
            said = f"{moment.metric} {format_figure(moment.value)} at {moment.frame / report.fps:.2f} s"
            yield f'<figure><img alt="{said}" src="{moment.picture}"><figcaption>{said}</figcaption></figure>'
        if curves := plot_curves(report):
            yield f"<p>Frame by frame, over seconds.</p>{_legend([report])}{curves}"
    if evaluation.weights:
        told = "; ".join(f"{html.escape(n)} <code>{html.escape(v)}</code>" for n, v in evaluation.weights.items())
        yield f"<p>Published weights: {told}</p>"


def _legend(reports: Sequence[Report]) -> str:
    return "<p>Green is the video, orange its truth.</p>" if any(r.truth is not None for r in reports) else ""


def _table(figures: Any, truths: Any) -> str:
    has_truth = any(value is not None for value in truths.values())
    head = '<th class="n">truth</th>' if has_truth else ""
    lines = [f'<table><tr><th>figure</th><th class="n">video</th>{head}<th>better</th><th></th></tr>']
    group = ""
    for name, value in figures.items():
        if value is None:
            continue
        one = metrics()[name]
        if one.group != group:
            group = one.group
            lines.append(f'<tr class="group"><td colspan="{5 if has_truth else 4}">{group}</td></tr>')
        best = one.best.value if has_truth or one.best is not Best.TRUE else "as real"
        best = f"near {best}" if one.best in (Best.ONE, Best.ZERO) else best
        true = f'<td class="n">{format_figure(truths.get(name))}</td>' if has_truth else ""
        lines.append(
            f'<tr><td><code>{name}</code></td><td class="n">{format_figure(value)}</td>{true}<td class="b">{best}</td>'
            f'<td class="says">{html.escape(one.says)}<small>{html.escape(one.range)}</small></td></tr>'
        )
    return "".join(lines) + "</table>"


def write_sheets(evaluation: Evaluation, folder: Path, kit: Kit | None = None) -> list[Path]:
    """Writes ``evaluation.json``, ``evaluation.csv`` and ``index.html`` into a folder.

    Raises:
        OutputError: It cannot be written to.
    """
    made = {
        "evaluation.json": to_json(evaluation, with_curves=True) + "\n",
        "evaluation.csv": to_csv(evaluation),
        "index.html": to_page(evaluation, kit),
    }
    for name, text in made.items():
        with atomic_write(folder / name) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in made]
