"""facediff study make, serve, report."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import err, say
from facediff.cli.flags import flags
from facediff.errors import MissingExtra
from facediff.study.options import StudyOptions

study_app = typer.Typer(no_args_is_help=True, help="Ask people which videos are better, and count what they say.")
app.add_typer(study_app, name="study")
Folder = Annotated[Path, typer.Argument(help="The folder of a study.")]


@study_app.command("make")
@flags
def study_make(
    pairs: Annotated[
        list[Path],
        typer.Argument(help="A CSV or JSON of a, b, name, system_a, system_b; or two folders with the same names."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder.")],
    asked: StudyOptions,
) -> None:
    """Make a study of pairs of videos: copies under names that tell nothing, and what is asked."""
    from facediff.study.pairs import read_pairs
    from facediff.study.plan import make_study

    read = read_pairs(pairs)
    with err.status("copying the videos"):
        notes = make_study(read, output, asked)
    for note in notes:
        say(f"raters can tell the videos of a pair apart without looking: {note}")
    say_wrote(output)


@study_app.command("serve")
def study_serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Whom to listen to; 0.0.0.0 is everybody.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 7861,
) -> None:
    """Show a study in browsers; every answer is kept when it is given, and a link leads back to where one was."""
    try:
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("gradio", "demo", "facediff study serve") from error
    from facediff.study.page import serving
    from facediff.study.plan import read_study

    with serving(read_study(folder), host, port) as address:
        say(f"send raters to {address}; Ctrl+C ends it")
        threading.Event().wait()


@study_app.command("report")
def study_report(
    folder: Folder,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; the study's folder if none.")] = None,
) -> None:
    """Report a study: win rates with Wilson intervals, mean opinions, agreement; as a page, JSON and CSV."""
    from facediff.study.plan import read_study
    from facediff.study.report import PAGE, told_agreement, write_report

    target = output or folder
    results = write_report(read_study(folder), target)
    for rate in results.wins:
        typer.echo(
            f"{rate.system} over {rate.other}: {rate.wins} of {rate.count}, {rate.rate:.1%} "
            f"[{rate.low:.1%}, {rate.high:.1%}], p = {rate.p:.2g}"
        )
    for opinion in results.opinions:
        typer.echo(f"{opinion.system}: {opinion.mean:.2f} [{opinion.low:.2f}, {opinion.high:.2f}] of {opinion.count}")
    for line in (f"{results.raters} raters, {len(results.excluded)} more excluded by checks", *told_agreement(results)):
        typer.echo(line)
    say_wrote(target / PAGE)
