"""From what was typed to what the library takes, and from a clip to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facediff.cli.console import err, progress_bar
from facediff.errors import ConfigError, InputError
from facediff.options import OutputOptions, SourceOptions

if TYPE_CHECKING:
    from facediff.avatar import Avatar
    from facediff.clip import Clip


Output = Annotated[Path, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv.")]


def read_avatar(source: Path, options: SourceOptions) -> Avatar:
    """The avatar of a portrait or of a video, by the file's name."""
    from facediff.avatar import Avatar

    return Avatar.from_file(source, **vars(options))


def check_paths(source: Path, second: Path, output: Path, preview: bool, *, folders: bool = False) -> None:
    """Refuses at once what would otherwise fail after the work; ``folders``: the second may be one."""
    from facediff.media import check_target

    for path in (source, second):
        if not path.is_file() and not (folders and path is second and path.is_dir()):
            raise InputError(f"there is no file at {path}")
        refuse_input(output, path)
    if not preview:
        check_target(output)


def check_edit_paths(source: Path, output: Path) -> bool:
    """Refuses at once what would otherwise fail after the work; whether the result is a picture."""
    from facediff.media import check_target
    from facediff.media.images import PICTURE_SUFFIXES

    if not source.is_file():
        raise InputError(f"there is no file at {source}")
    refuse_input(output, source)
    if output.suffix.lower() in PICTURE_SUFFIXES:
        return True
    check_target(output)
    return False


def refuse_input(output: Path, path: Path) -> None:
    """Refuses to write over what is read."""
    if output.exists() and path.exists() and output.samefile(path):
        raise ConfigError(f"{output} is an input; choose another name for the result")


def write_clip(clip: Clip, output: Path, options: OutputOptions) -> None:
    """Renders a clip with a progress bar, or one frame of it as a picture that carries no provenance; says so."""
    if options.preview:
        from facediff.media import write_image

        with err.status("rendering a frame"):
            write_image(output, clip.preview())
    else:
        with progress_bar("rendering", len(clip)) as advance:
            clip.save(output, watermark=options.watermark, progress=advance)
    say_wrote(output)


def say_wrote(path: Path) -> None:
    """The line that ends a command."""
    err.print(f"wrote {path}", highlight=False, markup=False, soft_wrap=True)
