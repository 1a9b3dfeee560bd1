"""A report of a study: a page with plots, the figures as JSON, the answers as CSV."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import matplotlib.figure

from facediff.study.answers import Answer, Answers
from facediff.study.plan import ANSWERS, Study
from facediff.study.results import Opinion, Results, WinRate, count_results
from facediff.system.files import atomic_write

PAGE, FIGURES, TABLE = "report.html", "report.json", "answers.csv"
_INK, _POINT = "#334155", "#0f766e"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:860px;margin:2rem auto;padding:0 1rem;color:#1e293b}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{padding:.35rem .6rem;text-align:left;"
    "border-bottom:1px solid #e2e8f0}th{font-weight:600}td.n{font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}"
)


def write_report(study: Study, folder: Path) -> Results:
    """Writes the report of what was answered so far; each file whole or not at all.

    Raises:
        InputError: There is no answer that counts.
        OutputError: The folder cannot be written to.
    """
    answers = Answers(study.folder / ANSWERS).read()
    results = count_results(study, answers)
    for name, text in (
        (PAGE, make_page(study, results)),
        (FIGURES, json.dumps(asdict(results), indent=1)),
        (TABLE, make_table(study, answers)),
    ):
        with atomic_write(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return results


def make_table(study: Study, answers: Sequence[Answer]) -> str:
    """The answers as CSV, with the systems that they are about."""
    known = {question.name: question for question in study.questions}
    columns = ("rater", "question", "kind", "system_a", "system_b", "answer", "a_on_the_right", "seconds", "is_check")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for one in answers:
        if (question := known.get(one.question)) is not None:
            systems = (*question.systems, "")[:2]
            writer.writerow([
                one.rater, one.question, question.kind, *systems, one.answer, int(one.swapped), f"{one.seconds:.1f}",
                int(question.wrong is not None),
            ])  # fmt: skip
    return text.getvalue()


def make_page(study: Study, results: Results) -> str:
    """The report as a page of its own."""
    excluded = f"; {len(results.excluded)} more failed an attention check and do not count" if results.excluded else ""
    parts = [
        f"<h1>User study</h1><p>{results.raters} raters, {results.complete} of them to the end{excluded}. "
        "Intervals are of 95 %.</p>"
    ]
    if results.wins:
        parts += [f"<h2>{html.escape(study.texts['choice'])}</h2>", plot_rates(results.wins), _rates(results.wins)]
        parts.append("<p>Wilson intervals; comparisons by one rater count as independent.</p>")
        parts += ["<h3>Pair by pair</h3>", _rates(results.by_pair)] if len(results.by_pair) > 1 else []
    if results.opinions:
        parts += [f"<h2>{html.escape(study.texts['score'])}</h2>", plot_opinions(results.opinions)]
        parts.append(_opinions(results.opinions))
        parts.append("<p>Mean opinion scores, 1 bad to 5 excellent; intervals by resampling raters.</p>")
    parts += ["<h2>How far to trust it</h2><ul>", *(f"<li>{line}</li>" for line in told_agreement(results)), "</ul>"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>User study</title><style>{_STYLE}</style>{''.join(parts)}</html>\n"
    )


def told_agreement(results: Results) -> list[str]:
    """Agreement and bias, in words."""
    told = []
    for kind, alpha in (("choices (nominal)", results.choice_alpha), ("scores (interval)", results.score_alpha)):
        if alpha is not None:
            told.append(f"Krippendorff's alpha of {kind}: {alpha:.2f}; 1 is agreement, 0 is chance.")
    if results.left is not None:
        left = results.left
        told.append(f"The left video was chosen in {left.rate:.0%} [{left.low:.0%}, {left.high:.0%}]; half is no bias.")
    return told or ["Too few answers to say."]


def _rates(rates: Iterable[WinRate]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(r.system)} over {html.escape(r.other)}<td class=n>{r.wins} of {r.count}"
        f"<td class=n>{r.rate:.1%}<td class=n>{r.low:.1%} to {r.high:.1%}<td class=n>{r.p:.2g}</tr>"
        for r in rates
    )
    return f"<table><tr><th>preferred<th>wins<th>rate<th>interval<th>p</tr>{rows}</table>"


def _opinions(opinions: Iterable[Opinion]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(o.system)}<td class=n>{o.mean:.2f}<td class=n>{o.low:.2f} to {o.high:.2f}"
        f"<td class=n>{o.count}</tr>"
        for o in opinions
    )
    return f"<table><tr><th>system<th>mean<th>interval<th>scores</tr>{rows}</table>"


def plot_rates(rates: Sequence[WinRate]) -> str:
    """Win rates and their intervals, as SVG."""
    rows = [(f"{r.system}\nover {r.other}", r.rate, r.low, r.high) for r in rates]
    return _plot(rows, (0.0, 1.0), 0.5, "share of wins")


def plot_opinions(opinions: Sequence[Opinion]) -> str:
    """Mean opinions and their intervals, as SVG."""
    return _plot([(o.system, o.mean, o.low, o.high) for o in opinions], (1.0, 5.0), math.nan, "mean opinion score")


def _plot(rows: Sequence[tuple[str, float, float, float]], span: tuple[float, float], middle: float, name: str) -> str:
    figure = matplotlib.figure.Figure(figsize=(8, 0.9 + 0.7 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for number, (_, value, low, high) in enumerate(rows):
        axes.plot([low, high], [-number] * 2, color=_POINT, linewidth=3, solid_capstyle="round")
        axes.plot([value], [-number], "o", color=_POINT, markersize=9)
    if not math.isnan(middle):
        axes.axvline(middle, color=_INK, linewidth=1, linestyle=":")
    axes.set_yticks([-number for number in range(len(rows))], [row[0] for row in rows])
    axes.set_ylim(-len(rows) + 0.5, 0.5)
    axes.set_xlim(*span)
    axes.set_xlabel(name)
    axes.spines[["top", "right", "left"]].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
