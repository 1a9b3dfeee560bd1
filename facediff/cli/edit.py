"""facediff edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import OnMissingFace, check_edit_paths, read_avatar, say_wrote, write_clip
from facediff.cli.console import err
from facediff.errors import ConfigError

PUT_ON = (0.0, 0.25, 0.5, 0.75, 1.0)  # of what has no opposite
SWEEP = (-1.0, -0.5, 0.0, 0.5, 1.0)  # shares of the strengths given that a strip shows


@app.command()
def edit(
    source: Annotated[Path | None, typer.Argument(help="A video, or a portrait.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv; or png, jpg, webp.")
    ] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="NAME=STRENGTH, as in smile=0.6; may be repeated.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What is wanted: 'face with eyeglasses'; takes a CLIP.")] = None,
    text_strength: Annotated[float, typer.Option(help="How far to go the way that the text says.")] = 1.0,
    clip_model: Annotated[str | None, typer.Option(help="A CLIP of a hub, or its folder.")] = None,
    list_attributes: Annotated[bool, typer.Option("--list-attributes", help="Say what can be edited.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Write a strip of weaker and opposite edits.")] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal frames.")] = 0,
    method: Annotated[str | None, typer.Option(help="prototype; or delta, or the paper's inversion.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of an inversion, or noise levels of a delta.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep the encoding for further edits of the video.")] = True,
    model: Annotated[str, typer.Option(help="base, or a model folder.")] = "base",
    face: Annotated[str | None, typer.Option(help="'largest', or an index from the left.")] = None,
    on_missing_face: Annotated[OnMissingFace, typer.Option(help="Of a video.")] = OnMissingFace.keep,
    preview: Annotated[bool, typer.Option("--preview", help="Write one frame, a picture without provenance.")] = False,
    consent: Annotated[str | None, typer.Option(help="What the person shown agreed to; kept in the file.")] = None,
    watermark: Annotated[bool, typer.Option(help="Weave an invisible mark into the frames.")] = True,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...")] = None,
) -> None:
    """Change a face all through a video: its expression, or an attribute of the person."""
    if list_attributes:
        _list(model)
        return
    if source is None or output is None:
        raise ConfigError("give what to edit and where to: facediff edit SOURCE -o OUTPUT --attribute smile=0.6")
    output = output.with_suffix(".png") if preview or sweep else output
    is_picture = check_edit_paths(source, output)
    from facediff.avatar import CLIP_MODEL
    from facediff.media import write_image
    from facediff.rendering.compare import around_head, strip
    from facediff.tasks.identity import GLASSES
    from facediff.tasks.strengths import read_wishes, write_wishes

    wishes = read_wishes(", ".join(attributes or []))
    if sweep and not wishes:
        raise ConfigError("--sweep shows strengths: give an --attribute")
    with err.status("reading the face"):
        avatar = read_avatar(source, face, model, device, on_missing_face.value, consent)

    def edited(share: float = 1.0):
        strengths = {name: share * strength for name, strength in wishes.items()}
        if GLASSES in strengths:  # which are put on, and not taken off
            strengths[GLASSES] = max(0.0, strengths[GLASSES])
        return avatar.edit(
            attributes=write_wishes(strengths) or None, text=text, text_strength=text_strength * share,
            clip_model=clip_model or CLIP_MODEL, seed=seed, method=method, steps=steps, cached=cache,
        )  # fmt: skip

    if sweep:
        with err.status("rendering a strip"):
            head = avatar.track.points[avatar.track.usable]
            shares = SWEEP if set(wishes) - {GLASSES} else PUT_ON
            panels = [(around_head(edited(share).preview(), head), f"{share:+g}") for share in shares]
            write_image(output, strip(panels))
        say_wrote(output)
        return
    with err.status("finding who it is"):
        clip = edited()
    write_clip(clip, output, is_picture, watermark=watermark)


def _list(model: str) -> None:
    from rich.console import Console

    from facediff.motion.expressions import expressions
    from facediff.tasks.identity import GLASSES, attribute_names

    out = Console()
    out.print("expressions, from -2 to 2:", ", ".join(expressions()), highlight=False)
    names = attribute_names(model)
    out.print(
        "attributes, from -2 to 2:", ", ".join(name for name in names if name != GLASSES) or "none", highlight=False
    )
    if GLASSES in names:
        out.print(f"drawn, from 0 to 2: {GLASSES}", highlight=False)
