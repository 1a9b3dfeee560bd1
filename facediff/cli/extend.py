"""facediff extend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, name_picture, read_avatar, refuse_input, say_wrote, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.errors import ConfigError, InputError
from facediff.options import ExtendOptions, SourceOptions
from facediff.options.marks import OutputOptions


@app.command()
@flags
def extend(
    source: Annotated[Path, typer.Argument(help="A video, or a saved motion.")],
    output: Output,
    options: ExtendOptions,
    shown: SourceOptions,
    written: OutputOptions,
) -> None:
    """A video goes on as it began, its last picture moving; or a saved motion does, for any portrait."""
    from facediff.media import check_target, is_video
    from facediff.motion.template import check_name, is_template

    output = name_picture(output) if written.preview else output
    if not source.is_file():
        raise InputError(f"there is no file at {source}")
    refuse_input(output, source)
    if is_template(source):
        check_name(output)
        _extend_motion(source, output, options, shown.model)
        return
    if not is_video(source):
        raise ConfigError(f"{source} is neither a video nor a saved motion; a portrait can idle")
    if not written.preview:
        check_target(output)
    check_marks(written, output, source)
    with err.status("reading the face"):
        avatar = read_avatar(source, shown)
    write_clip(avatar.extend(**vars(options)), output, written)


def _extend_motion(source: Path, output: Path, options: ExtendOptions, model: str) -> None:
    from facediff.motion.template import load_template
    from facediff.tasks.extend import extend_motion
    from facediff.tasks.model_cache import load_filler

    made = extend_motion(load_template(source), options.seconds, load_filler(model), seed=options.seed)
    made.save(output)
    say_wrote(output)
