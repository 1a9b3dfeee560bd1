"""facediff batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from facediff.batch.options import WINDOW
from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import INTERRUPTED, TERMINATED, err, say
from facediff.errors import ConfigError

if TYPE_CHECKING:
    from facediff.batch.manifest import Entry
    from facediff.batch.run import Report

FAILED = 1  # exit code, beside 2, which is for a file of jobs that cannot be used


class Engine(str, Enum):
    """Where the work is done."""

    local = "local"
    ray = "ray"


@app.command()
def batch(
    jobs: Annotated[Path, typer.Argument(help="JSON Lines or CSV: task, source, speech or driving, output, options.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the clips and of the manifest.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many clips at once; 1, or with Ray what the cluster has.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="This machine, or a Ray cluster.")] = Engine.local,
    window: Annotated[
        int,
        typer.Option(min=0, help="Clips of more than two windows of so many frames are rendered in parts; 0: none."),
    ] = WINDOW,
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster; one is started here by default.")] = None,
) -> None:
    """Render many clips; run it again to go on where it was stopped.

    Exit code 0 if all clips are there, 1 if some failed (the manifest says why), 2 if the jobs cannot be used.
    """
    from rich.console import Console

    from facediff.batch import local, ray_engine
    from facediff.batch.jobs import read_jobs
    from facediff.batch.run import run_batch
    from facediff.batch.summary import summary_table
    from facediff.batch.tasks import identify, render, tasks

    if address is not None and engine is not Engine.ray:
        raise ConfigError("--address is that of a Ray cluster; give --engine ray too")
    with err.status("reading the jobs"):
        wanted = read_jobs(jobs, tasks(), output)
    if engine is Engine.ray:
        crew = partial(ray_engine.run, render=render, workers=workers, address=address)
    else:
        crew = partial(local.run, render=render, workers=workers or 1)
    with _progress(len(wanted)) as advance:
        report = run_batch(wanted, output, engine=crew, identify=partial(identify, window=window), progress=advance)
    Console().print(summary_table(report.entries, report.fresh))
    say(_said(report))
    say_wrote(output)
    if report.failed_count:
        raise typer.Exit(FAILED)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[Entry], None]]:
    """A bar on stderr with what failed above it; says where it stood when it is stopped."""
    settled = 0

    def advance(entry: Entry) -> None:
        nonlocal settled
        settled += 1
        bar.update(task, completed=settled)
        if entry.reason is not None:
            bar.console.print(f"{entry.output}: {entry.reason}", markup=False, highlight=False, soft_wrap=True)

    columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=err) as bar:
            task = bar.add_task("rendering", total=total)
            yield advance
    except (KeyboardInterrupt, SystemExit) as error:
        say(f"stopped after {settled} of {total} clips; run it again to go on")
        raise typer.Exit(INTERRUPTED if isinstance(error, KeyboardInterrupt) else TERMINATED) from error


def _said(report: Report) -> str:
    """A run in a line: how many, how fast, and how many at a time."""
    fresh = [entry for entry in report.entries if entry.output in report.fresh and entry.is_done]
    frames = sum(entry.frames for entry in fresh)
    total = len(report.entries)
    words = [f"{total - report.failed_count} of {total} clips are there, {len(fresh)} of them new"]
    if fresh:
        words.append(
            f"{frames} frames in {report.seconds:.1f} s, {frames / report.seconds:.2f} a second, "
            f"{report.worked_seconds / report.seconds:.1f} clips at a time"
        )
    return "; ".join(words)
