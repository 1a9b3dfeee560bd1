"""facediff demo."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.console import say
from facediff.errors import MissingExtra


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="Whom to listen to; 0.0.0.0 is everybody.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 7860,
    max_seconds: Annotated[float, typer.Option(help="Longest speech and video.")] = 60.0,
    max_megapixels: Annotated[float, typer.Option(help="Largest picture and video frame.")] = 16.0,
    max_megabytes: Annotated[float, typer.Option(help="Largest file.")] = 200.0,
) -> None:
    """All of it in a browser."""
    try:
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("gradio", "demo", "facediff demo") from error
    from facediff.demo.app import running
    from facediff.demo.limits import Limits

    limits = Limits(seconds=max_seconds, megapixels=max_megapixels, megabytes=max_megabytes)
    with running(host, port, limits) as address:
        say(f"open {address} in a browser; Ctrl+C ends it")
        threading.Event().wait()
