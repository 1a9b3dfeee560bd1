"""facediff enhance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import WHERE_TO, check_edit_paths, check_marks, name_picture, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.errors import ConfigError
from facediff.options import EnhanceOptions
from facediff.options.marks import OutputOptions
from facediff.options.staging import StagingOptions
from facediff.system.files import check_file


@app.command()
@flags
def enhance(
    source: Annotated[Path, typer.Argument(help="A video, or a picture.")],
    output: Annotated[Path, typer.Option("--output", "-o", help=f"{WHERE_TO[:-1]}; or png, jpg, webp.")],
    options: EnhanceOptions,
    written: OutputOptions,
) -> None:
    """Make a soft or small video, or a picture, larger and sharper; its sound and its rate are kept."""
    output = name_picture(output) if written.preview else output
    check_file(source)
    check_edit_paths(source, output, StagingOptions())
    from facediff.media import is_video
    from facediff.media.images import PICTURE_SUFFIXES
    from facediff.tasks.enhance import enhance as make_clip

    if not is_video(source) and output.suffix.lower() not in PICTURE_SUFFIXES:
        raise ConfigError(f"{source} is a picture and becomes one: give a name that ends in {PICTURE_SUFFIXES[0]}")
    check_marks(written, output)
    with err.status("reading the file"):
        clip = make_clip(source, **vars(options))
    write_clip(clip, output, written)
