"""facediff motion extract, show."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import refuse_input, say_wrote
from facediff.cli.console import err
from facediff.cli.flags import flags
from facediff.options import FaceOptions

motion_app = typer.Typer(no_args_is_help=True, help="Motions as files: take one from a face, look at it.")
app.add_typer(motion_app, name="motion")


@motion_app.command("extract")
@flags
def motion_extract(
    driving: Annotated[Path, typer.Argument(help="A video, a folder of frames, or a picture of an expression.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: safetensors or npz.")],
    shown: FaceOptions,
) -> None:
    """Save how a face moves, to animate others with it."""
    from facediff.media.notices import warn_of_rivals
    from facediff.motion.driver import read_driver
    from facediff.motion.template import check_name

    check_name(output)
    refuse_input(output, driving)
    with err.status("reading the face"):
        face = "largest" if shown.face is None else shown.face
        driver = read_driver(driving, face=face, on_rivals=partial(warn_of_rivals, driving))
    driver.template.save(output)
    say_wrote(output)


@motion_app.command("show")
def motion_show(
    motion: Annotated[Path, typer.Argument(help="A saved motion, or anything that 'extract' takes.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A picture of it: png, svg or pdf; a table by default.")
    ] = None,
) -> None:
    """Show a motion: how much of what moves, or, over time, as a picture."""
    from facediff.motion.driver import read_driver
    from facediff.motion.plot import measure_ranges, plot_motion

    if output is not None:
        refuse_input(output, motion)
    template = read_driver(motion).template
    if output is None:
        seen = int(template.present.sum())
        typer.echo(f"{len(template)} frames at {float(template.fps):g} a second, a face in {seen}")
        for name, low, high in measure_ranges(template):
            typer.echo(f"{name:24} {low:8.2f} to {high:6.2f}")
    else:
        plot_motion(template, output)
        say_wrote(output)
