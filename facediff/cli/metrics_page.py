"""The tables of metrics and of published weights on the page about evaluation, made from the registry."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from facediff.evaluation.published import PUBLISHED
from facediff.evaluation.registry import Metric, metrics

_GROUPS = {
    "beats": "The head and the speech",
    "distributions": "All clips together",
    "faces": "Faces and heads",
    "fidelity": "The aligned face, pixel by pixel",
    "identity": "Who it is",
    "judges": "Independent judges",
    "lips": "Lips",
    "looks": "Neighbouring frames",
    "perceptual": "To the eye",
    "pixels": "Whole frames, and a square around the head",
    "sharpness": "Sharpness",
    "sync": "Lips and sound, by networks",
    "temporal": "Time",
    "text": "Words and pictures",
    "theval": "THEval",
}


def tables() -> dict[str, str]:
    """Markdown by the names of the places on the page where it stands."""
    return {"metrics": "\n".join(_metrics()), "weights": "\n".join(_weights())}


def filled(page: str) -> str:
    """A page with the tables between their marks."""
    for name, table in tables().items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        page = marked.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", page)  # type: ignore[misc]
    return page


def _metrics() -> Iterator[str]:
    group = ""
    for one in metrics().values():
        if one.group != group:
            group = one.group
            yield f"\n### {_GROUPS.get(group, group.capitalize())} (`{group}`)\n"
            yield "| figure | what it is | formula | source | range | best |\n|---|---|---|---|---|---|"
        cells = (f"`{one.name}`", one.says + _wants(one), one.formula, one.source, one.range, one.best.value)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _wants(one: Metric) -> str:
    wants = [f"needs {', '.join(sorted(need.value for need in one.needs))}"] if one.needs else []
    wants += [f"weights `{one.weights}`"] if one.weights else []
    wants += [f"extra `{one.library[1]}`"] if one.library else []
    return f" ({'; '.join(wants)})" if wants else ""


def _weights() -> Iterator[str]:
    yield "| name | what | file | SHA-256 begins | licence |\n|---|---|---|---|---|"
    for name, one in PUBLISHED.items():
        known = (
            "not told by its publisher: give it behind a `#`"
            if one.sha256 is None
            else f"`{one.sha256[:30] if ',' in one.sha256 else one.sha256[:8]}`"
        )
        file = one.file if one.hub is None else f"{one.file}, or a name on the hub as `{one.hub}`"
        yield f"| `{name}` | {one.what} | {file} | {known} | {one.licence} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(filled(place.read_text(encoding="utf-8")), encoding="utf-8")
