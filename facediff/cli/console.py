"""What the command line says, and how it ends: progress, one line for an error, exit codes. Knows no command."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typer.core import TyperGroup

from facediff.cli.flags import dashed
from facediff.errors import FaceDiffError

REFUSED, INTERRUPTED, TERMINATED = 2, 130, 143  # exit codes; the last two are those of a shell
err = Console(stderr=True)


class Commands(TyperGroup):
    """Commands whose foreseen failures end in one sentence; with ``--debug`` in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        is_debugged = bool(ctx.params.get("debug"))
        signal.signal(signal.SIGTERM, _terminate)
        try:
            with contextlib.nullcontext() if is_debugged else quiet_native_code():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            say("stopped; nothing was written")
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError:  # of stdout, which typer knows how to end
            raise
        except (FaceDiffError, OSError, MemoryError) as error:
            if is_debugged:
                raise
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            say(
                dashed(_sentence(error), command) if isinstance(error, FaceDiffError) else _sentence(error), style="red"
            )
            raise typer.Exit(REFUSED) from error


def say(message: str, style: str | None = None) -> None:
    """One line to stderr, never wrapped."""
    err.print(f"facediff: {message}", style=style, markup=False, highlight=False, soft_wrap=True)


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory; give a smaller picture or video"
    if isinstance(error, FaceDiffError) or not isinstance(error, OSError) or not error.strerror:
        return " ".join(str(error).split())
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _terminate(signum: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)  # as an exception, so that half-written files are removed


@contextlib.contextmanager
def quiet_native_code() -> Iterator[None]:
    """Silences what C++ libraries write to the terminal past Python; Python's own stderr stays."""
    sys.stderr.flush()
    kept, spoken = os.dup(2), sys.stderr
    try:
        is_same = sys.stderr.fileno() == 2
    except (OSError, ValueError):  # replaced by something that is no file, as under test
        is_same = False
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    os.close(void)
    try:
        if is_same:
            sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, encoding=spoken.encoding, errors="replace")
        yield
    finally:
        if is_same:
            sys.stderr.close()
            sys.stderr = spoken
        os.dup2(kept, 2)
        os.close(kept)


class _Rate(ProgressColumn):
    """Frames per second so far."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} fps", style="progress.data.speed")


@contextlib.contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with frames done, their rate and the time left; gives what to call after each frame."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def stages_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for each stage of a long work, by its name, with the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with contextlib.ExitStack() as begun:  # a work that is refused before its first stage shows no bar
        bar, tasks = Progress(*columns, console=err), dict[str, TaskID]()

        def advance(what: str, done: int, total: int) -> None:
            if not tasks:
                begun.enter_context(bar)
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield advance


def set_up_logging(level: int, command: Any = None) -> None:
    """Logging of this package to stderr, with options as a command, or those below it, have them; of others warnings.

    Args:
        level: What is logged of this package.
        command: The command.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    handler = RichHandler(console=err, show_time=False, show_level=False, show_path=False)
    handler.addFilter(partial(_dash, command))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("facediff").setLevel(level)


def _dash(command: Any, record: logging.LogRecord) -> bool:
    """Makes ``name=value`` of a message of this package what is typed; a filter that lets all pass."""
    if record.name.startswith("facediff"):
        record.msg, record.args = dashed(record.getMessage(), command), ()
    return True
