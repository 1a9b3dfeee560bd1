"""facediff live, idle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, check_paths, read_avatar, refuse_input, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.errors import InputError
from facediff.options import PortraitOptions, SourceOptions
from facediff.options.live import IdleOptions, StreamOptions
from facediff.options.marks import OutputOptions
from facediff.system.files import atomic_write


@app.command()
@flags
def live(
    portrait: Annotated[Path, typer.Argument(help="A portrait.")],
    speech: Annotated[Path, typer.Argument(help="A file with speech, which is heard as if it came in right now.")],
    output: Output,
    options: StreamOptions,
    shown: PortraitOptions,
    written: OutputOptions,
) -> None:
    """A portrait speaks as it does live, a look-ahead of 0.2 seconds at a time; the record is written beside it."""
    output = output.with_suffix(".png") if written.preview else output
    check_paths(portrait, speech, output, written.preview)
    check_marks(written, output, portrait)
    with err.status("reading the face"):
        avatar = read_avatar(portrait, SourceOptions(**vars(shown)))
    with err.status("listening"):
        clip = avatar.stream(speech, **vars(options))
    write_clip(clip, output, written)
    if not written.preview and clip.record is not None:
        with atomic_write(output.with_suffix(".json")) as beside:
            beside.write_text(clip.record.to_json() + "\n", encoding="ascii")


@app.command()
@flags
def idle(
    portrait: Annotated[Path, typer.Argument(help="A portrait.")],
    output: Output,
    options: IdleOptions,
    shown: PortraitOptions,
    written: OutputOptions,
) -> None:
    """A portrait breathes, blinks and looks about, without a word; with --loop its end meets its beginning."""
    from facediff.media import check_target

    output = output.with_suffix(".png") if written.preview else output
    if not portrait.is_file():
        raise InputError(f"there is no file at {portrait}")
    refuse_input(output, portrait)
    if not written.preview:
        check_target(output)
    check_marks(written, output, portrait)
    with err.status("reading the face"):
        avatar = read_avatar(portrait, SourceOptions(**vars(shown)))
    write_clip(avatar.idle(**vars(options)), output, written)
