"""facediff animate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, check_paths, name_picture, read_avatar, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.options import AnimateOptions, SourceOptions
from facediff.options.marks import OutputOptions


@app.command()
@flags
def animate(
    source: Annotated[Path, typer.Argument(help="A portrait, a video, or a saved avatar.")],
    driving: Annotated[
        Path, typer.Argument(help="A video, a folder of frames, a saved motion, or a picture of an expression.")
    ],
    output: Output,
    options: AnimateOptions,
    shown: SourceOptions,
    written: OutputOptions,
) -> None:
    """A face moves as another face does."""
    output = name_picture(output) if written.preview else output
    check_paths(source, driving, output, written.preview, staged=options, folders=True)
    check_marks(written, output, None if options.compare else source, options)
    with err.status("reading the face"):
        avatar = read_avatar(source, shown)
    with err.status("reading the driver"):
        clip = avatar.animate(driving, **vars(options))
    write_clip(clip, output, written)
