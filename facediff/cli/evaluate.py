"""facediff evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.console import err


@app.command()
def evaluate(
    made: Annotated[Path, typer.Argument(help="A video.")],
    truth: Annotated[Path | None, typer.Option(help="The video that it should be, frame by frame.")] = None,
    speech: Annotated[Path | None, typer.Option(help="What is said in it; its own sound by default.")] = None,
    portrait: Annotated[Path | None, typer.Option(help="The picture that it was made of.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measure a video: lips against sound, signs of life, flicker, likeness; and against a truth, if there is one."""
    from facediff.evaluation.report import evaluate as measure

    with err.status("measuring"):
        report = measure(made, truth=truth, speech=speech, portrait=portrait)
    if as_json:
        typer.echo(report.to_json())
        return
    width, height = report.size
    typer.echo(f"{report.frames} frames of {width}x{height}, {report.fps:g} a second, {report.seconds:.2f} s")
    if report.truth is not None:
        typer.echo(f"{'':14} {'video':>16} {'truth':>16}")
    for name, value, true, meaning in report.rows():
        other = "" if report.truth is None else f" {_number(true):>16}"
        typer.echo(f"{name:14} {_number(value):>16}{other}  {meaning}")


def _number(value: float | tuple | None) -> str:
    if value is None:
        return ""
    return " ".join(map(_number, value)) if isinstance(value, tuple) else f"{round(value, 4):g}"
