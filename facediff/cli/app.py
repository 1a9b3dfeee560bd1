"""The root of the command line: what all commands share."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

import facediff
from facediff.cli.console import Commands, set_up_logging

app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"facediff {facediff.__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, and all that is logged.")
    ] = False,
) -> None:
    """Talking heads and face animation with diffusion models."""
    set_up_logging(logging.DEBUG if debug else logging.WARNING, context.command)
