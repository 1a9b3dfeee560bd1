"""facediff talk, hello."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import Output, check_marks, check_paths, name_picture, read_avatar, refuse_input, write_clip
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.options import SourceOptions, TalkOptions
from facediff.options.marks import OutputOptions
from facediff.options.speakers import read_speakers
from facediff.system.files import check_file, is_saved_avatar


@app.command()
@flags
def talk(
    source: Annotated[Path, typer.Argument(help="A portrait, a video to be dubbed, or a saved avatar.")],
    output: Output,
    speech: Annotated[
        Path | None, typer.Argument(help="A file with speech: sound, or a video with sound; none with --say, --speech.")
    ] = None,
    *,
    options: TalkOptions,
    shown: SourceOptions,
    written: OutputOptions,
) -> None:
    """A portrait speaks, or a video is dubbed."""
    output = name_picture(output) if written.preview else output
    check_paths(source, source if speech is None else speech, output, written.preview, staged=options)
    check_marks(written, output, source, options)
    for path in read_speakers(options.speakers).values():
        check_file(Path(path))
        refuse_input(output, Path(path))
    if options.speakers is not None and shown.face is None and not is_saved_avatar(source):
        shown = replace(shown, face="largest")  # the others are found when they speak
    with err.status("reading the face"):
        avatar = read_avatar(source, shown)
    with err.status("listening"):
        clip = avatar.talk(speech, **vars(options))
    write_clip(clip, output, written)


@app.command()
def hello(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to.")] = Path("out/hello.mp4"),
) -> None:
    """The embedded sample: an astronaut says hello."""
    from skimage.data import astronaut

    from facediff.avatar import Avatar
    from facediff.media import check_target

    check_target(output)
    with as_file(files("facediff") / "samples" / "hello.flac") as speech:
        write_clip(Avatar.from_image(astronaut()).talk(speech), output, OutputOptions())
