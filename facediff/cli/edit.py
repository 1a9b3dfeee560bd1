"""facediff edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import (
    WHERE_TO,
    check_edit_paths,
    check_marks,
    mark_keywords,
    name_picture,
    noted,
    read_avatar,
    say_wrote,
    write_clip,
)
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.errors import ConfigError
from facediff.options import EditOptions, SourceOptions
from facediff.options.marks import MarkOptions, OutputOptions
from facediff.options.performance import split_timed
from facediff.options.staging import is_staged

if TYPE_CHECKING:
    from facediff.clip import Clip

PUT_ON = (0.0, 0.25, 0.5, 0.75, 1.0)  # of what has no opposite
SWEEP = (-1.0, -0.5, 0.0, 0.5, 1.0)  # shares of the strengths given that a strip shows


@app.command()
@flags
def edit(
    source: Annotated[Path | None, typer.Argument(help="A video, a portrait, or a saved avatar.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help=f"{WHERE_TO[:-1]}; or png, jpg, webp.")] = None,
    list_attributes: Annotated[bool, typer.Option("--list-attributes", help="Say what can be edited.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Write a strip of weaker and opposite edits.")] = False,
    *,
    options: EditOptions,
    shown: SourceOptions,
    written: OutputOptions,
) -> None:
    """Change a face all through a video: its expression, or an attribute of the person."""
    if list_attributes:
        _list(shown.model)
        return
    if source is None or output is None:
        raise ConfigError("give what to edit and where to: facediff edit SOURCE -o OUTPUT --attribute smile=0.6")
    output = name_picture(output) if written.preview or sweep else output
    check_edit_paths(source, output, options)
    check_marks(written, output, None if sweep else source, options)
    from facediff.provenance.marker import write_marked
    from facediff.rendering.compare import around_head, strip
    from facediff.rendering.editing.attributes import attribute
    from facediff.tasks.strengths import read_strengths, write_strengths

    lasting, timed = split_timed(options.attributes)
    strengths = read_strengths(lasting)
    if sweep and timed:
        raise ConfigError(f"--sweep shows strengths that last: leave the time range of {timed!r} out")
    if sweep and not strengths:
        raise ConfigError("--sweep shows strengths: give an --attribute")
    if sweep and is_staged(options):
        raise ConfigError(
            "--sweep shows faces as they were filmed: leave --background, --size, --framing and --upscale out"
        )
    with err.status("reading the face"):
        avatar = read_avatar(source, shown)

    def edited(share: float = 1.0) -> Clip:
        shares = {name: attribute(name).share(strength, share) for name, strength in strengths.items()}
        given = ", ".join(filter(None, (write_strengths(shares), timed))) or None
        weaker = {"attributes": given, "text_strength": share * options.text_strength}
        return avatar.edit(**{**vars(options), **weaker})

    if sweep:
        with err.status("rendering a strip"):
            head = avatar.track.points[avatar.track.usable]
            shares = SWEEP if any(attribute(name).has_opposite for name in strengths) else PUT_ON
            panels = [(around_head(edited(share).preview(), head), f"{share:+g}") for share in shares]
            record = noted(edited(), sweep=True).record
            write_marked(output, strip(panels), record, MarkOptions(**mark_keywords(written)))
        say_wrote(output)
        return
    with err.status("finding who it is"):
        clip = edited()
    write_clip(clip, output, written)


def _list(model: str) -> None:
    from rich.console import Console

    from facediff.motion.expressions import expressions
    from facediff.options import STRONGEST
    from facediff.rendering.editing.attributes import attribute
    from facediff.tasks.identity import attribute_names

    known = [attribute(name) for name in attribute_names(model)]
    learnt, drawn = ([one for one in known if one.is_drawn == is_drawn] for is_drawn in (False, True))
    out = Console()
    out.print(f"expressions, from {-STRONGEST:g} to {STRONGEST:g}:", ", ".join(expressions()), highlight=False)
    out.print(
        f"attributes, from {-STRONGEST:g} to {STRONGEST:g}:", ", ".join(one.name for one in learnt) or "none",
        highlight=False,
    )  # fmt: skip
    for one in drawn:
        out.print(f"drawn, from {one.low:g} to {one.high:g}: {one.name}", highlight=False)
