"""facediff style."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, refuse_input, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.options.marks import OutputOptions
from facediff.options.style import StyleOptions
from facediff.system.files import check_file


@app.command()
@flags
def style(
    source: Annotated[Path, typer.Argument(help="A video with a face.")],
    output: Output,
    options: StyleOptions,
    written: OutputOptions,
) -> None:
    """A video in another look, painted by a model of pictures of a hub that you have: nothing of it is embedded."""
    from facediff.media import check_target
    from facediff.tasks.style import check_style, make_style

    output = output.with_suffix(".png") if written.preview else output
    check_file(source)
    refuse_input(output, source)
    if not written.preview:
        check_target(output)
    check_marks(written, output, source)
    check_style(source, options)
    with err.status("opening the painter, reading the face"):
        clip = make_style(source, options)
    write_clip(clip, output, written)
