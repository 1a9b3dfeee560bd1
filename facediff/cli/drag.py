"""facediff drag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_edit_paths, check_marks, name_picture, read_avatar, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.errors import ConfigError
from facediff.options import DragOptions, SourceOptions
from facediff.options.marks import OutputOptions


@app.command()
@flags
def drag(
    source: Annotated[Path, typer.Argument(help="A portrait, a video, or a saved avatar.")],
    output: Output,
    options: DragOptions,
    shown: SourceOptions,
    written: OutputOptions,
) -> None:
    """Points of a face are taken elsewhere, and all of it follows as faces do."""
    output = name_picture(output) if written.preview else output
    if options.strokes is None:
        raise ConfigError("nothing is moved: give a point and where it is put, --stroke X,Y:X,Y")
    check_edit_paths(source, output, options)
    check_marks(written, output, source, options)
    with err.status("reading the face"):
        avatar = read_avatar(source, shown)
    with err.status("following the strokes"):
        clip = avatar.drag(**vars(options))
    write_clip(clip, output, written)
