"""From what was typed to what the library takes, and from a clip to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facediff.cli.console import err, progress_bar
from facediff.errors import ConfigError, InputError
from facediff.options import SourceOptions, options_of
from facediff.options.marks import CAPTIONS, MarkOptions, OutputOptions
from facediff.options.staging import TRANSPARENT, StagingOptions, read_size
from facediff.system.files import check_file, check_source, shown_file

if TYPE_CHECKING:
    from facediff.avatar import Avatar
    from facediff.clip import Clip


WHERE_TO = "Where to: mp4, mov, m4v, mkv; transparent: webm, mov, a folder."
Output = Annotated[Path, typer.Option("--output", "-o", help=WHERE_TO)]


def read_avatar(source: Path, options: SourceOptions) -> Avatar:
    """The avatar of a portrait or of a video, or a saved one."""
    from facediff.avatar import Avatar

    return Avatar.from_file(source, **vars(options))


def check_paths(
    source: Path, second: Path, output: Path, preview: bool, *, staged: StagingOptions | None = None,
    folders: bool = False,
) -> None:  # fmt: skip
    """Refuses at once what would otherwise fail after the work; ``folders``: the second may be one."""
    from facediff.media import check_target

    check_source(source)
    if second is not source and not (folders and second.is_dir()):
        check_file(second)
    for path in (source, second):
        refuse_input(output, path)
    if not preview:
        check_target(output, is_transparent=is_transparent(staged))


def is_transparent(staged: StagingOptions | None) -> bool:
    """Whether nothing is wanted behind the person."""
    return staged is not None and staged.background == TRANSPARENT


def check_edit_paths(source: Path, output: Path, staged: StagingOptions) -> None:
    """Refuses at once what would otherwise fail after the work."""
    from facediff.media import check_target
    from facediff.media.images import PICTURE_SUFFIXES

    check_source(source)
    refuse_input(output, source)
    if output.suffix.lower() not in PICTURE_SUFFIXES:
        check_target(output, is_transparent=is_transparent(staged))
    elif is_transparent(staged) and output.suffix.lower() in (".jpg", ".jpeg"):
        raise InputError(f"{output} holds no transparency; give a .png or a .webp")


def name_picture(output: Path) -> Path:
    """Where the one picture of a preview goes: to the name itself if that is a picture's, else beside it as a PNG."""
    from facediff.media.images import PICTURE_SUFFIXES

    return output if output.suffix.lower() in PICTURE_SUFFIXES else output.with_suffix(".png")


def check_marks(
    options: MarkOptions, output: Path, source: Path | None = None, staged: StagingOptions | None = None
) -> None:
    """Refuses at once marks that could not be made after the work; ``source``: what frames are as large as."""
    from facediff.provenance import marker

    size = None if source is None or options.label is None else _size(source)
    if staged is not None and size is not None:
        larger = (staged.upscale * size[0], staged.upscale * size[1])
        size = read_size(staged.size) or (None if staged.size or staged.framing else larger)
    marker.check_marks(options, output, size)


def _size(source: Path) -> tuple[int, int]:
    """Width and height of a picture or of a video, in pixels."""
    from facediff.media import VideoReader, is_video, read_image

    source = shown_file(source)
    if is_video(source):
        info = VideoReader(source).info
        return info.width, info.height
    height, width = read_image(source).shape[:2]
    return width, height


def refuse_input(output: Path, path: Path) -> None:
    """Refuses to write over what is read."""
    if output.exists() and any(one.exists() and output.samefile(one) for one in (path, shown_file(path))):
        raise ConfigError(f"{output} is an input; choose another name for the result")


def write_clip(clip: Clip, output: Path, options: OutputOptions) -> None:
    """Renders a clip with a progress bar, or one frame of it where a picture is wanted; says so."""
    from facediff.media.images import PICTURE_SUFFIXES

    marks = mark_keywords(options)
    if output.suffix.lower() in PICTURE_SUFFIXES:
        with err.status("rendering a frame"):
            noted(clip, preview=options.preview).save_frame(output, **marks)
    else:
        with progress_bar("rendering", len(clip)) as advance:
            clip.save(output, progress=advance, **marks)
        if clip.is_captioned:
            say_wrote(output.with_suffix(CAPTIONS))
    say_wrote(output)


def noted(clip: Clip, **flags: bool) -> Clip:
    """The clip with a record of what else was typed, so that the command that makes its file again has it too."""
    if clip.record is None:
        return clip
    typed = {name: value for name, value in flags.items() if value}
    return replace(clip, record=replace(clip.record, options={**clip.record.options, **typed}))


def mark_keywords(options: OutputOptions) -> dict[str, Any]:
    """What methods that save are told of what was typed."""
    return {name: getattr(options, name) for name in options_of(MarkOptions)}


def say_wrote(path: Path) -> None:
    """The line that ends a command."""
    err.print(f"wrote {path}", highlight=False, markup=False, soft_wrap=True)
