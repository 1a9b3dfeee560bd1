"""facediff style."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, name_picture, refuse_input, write_clip
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
    """A video performed by the face of a picture; or in another look, by a hub's model of pictures that you have."""
    from facediff.media import check_target
    from facediff.tasks.style import check_style, make_style

    output = name_picture(output) if written.preview else output
    check_file(source)
    refuse_input(output, source)
    if options.like is not None:
        check_file(Path(options.like))
        refuse_input(output, Path(options.like))
    if not written.preview:
        check_target(output)
    check_style(source, options)
    shown = source if options.model or options.like is None else Path(options.like)
    check_marks(written, output, shown)
    with err.status("reading the face" if options.model is None else "opening the painter, reading the face"):
        clip = make_style(source, options)
    write_clip(clip, output, written)
