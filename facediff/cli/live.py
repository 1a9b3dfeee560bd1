"""facediff live, idle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import (
    Output,
    check_marks,
    check_paths,
    is_transparent,
    name_picture,
    read_avatar,
    refuse_input,
    write_clip,
)
from facediff.cli.console import err, say
from facediff.cli.flags import flags
from facediff.errors import InputError, MissingExtra
from facediff.options import PortraitOptions, SourceOptions
from facediff.options.live import IdleOptions, StreamOptions
from facediff.options.marks import OutputOptions
from facediff.system.files import atomic_write, check_source


@app.command()
@flags
def live(
    portrait: Annotated[Path, typer.Argument(help="A portrait, or a saved avatar of one.")],
    speech: Annotated[
        Path | None, typer.Argument(help="A file with speech, which is heard as if it came in right now.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv.")] = None,
    host: Annotated[str, typer.Option(help="Whom the page is for; 0.0.0.0 is everybody.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 7861,
    *,
    options: StreamOptions,
    shown: PortraitOptions,
    written: OutputOptions,
) -> None:
    """A portrait says what you say, on a page; or what is in a file, as it would live, the record written beside it."""
    if speech is None and output is None:
        serve_page(portrait, host, port, options, shown)
        return
    if speech is None or output is None:
        raise InputError("a file of speech and --output belong together; without both, a page is served")
    output = name_picture(output) if written.preview else output
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


def serve_page(portrait: Path, host: str, port: int, options: StreamOptions, shown: PortraitOptions) -> None:
    """Serves the live page of a portrait."""
    check_source(portrait)
    try:
        from facediff.demo.calls import serve
    except ModuleNotFoundError as error:
        raise MissingExtra("gradio", "demo", "the live page") from error
    with err.status("reading the face"):
        avatar = read_avatar(portrait, SourceOptions(**vars(shown)))
    serve(avatar, host, port, lambda address: say(f"open {address} in a browser; Ctrl+C ends it"), **vars(options))


@app.command()
@flags
def idle(
    portrait: Annotated[Path, typer.Argument(help="A portrait, or a saved avatar of one.")],
    output: Output,
    options: IdleOptions,
    shown: PortraitOptions,
    written: OutputOptions,
) -> None:
    """A portrait breathes, blinks and looks about, without a word; with --loop its end meets its beginning."""
    from facediff.media import check_target

    output = name_picture(output) if written.preview else output
    check_source(portrait)
    refuse_input(output, portrait)
    if not written.preview:
        check_target(output, is_transparent=is_transparent(options))
    check_marks(written, output, portrait, options)
    with err.status("reading the face"):
        avatar = read_avatar(portrait, SourceOptions(**vars(shown)))
    write_clip(avatar.idle(**vars(options)), output, written)
