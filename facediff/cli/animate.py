"""facediff animate."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import OnMissingFace, check_paths, read_avatar, write_clip
from facediff.cli.console import err


class Region(str, Enum):
    """What an animation takes over from its driver."""

    all = "all"
    expression = "expression"
    lips = "lips"
    eyes = "eyes"
    brows = "brows"
    pose = "pose"


@app.command()
def animate(
    source: Annotated[Path, typer.Argument(help="A portrait, or a video.")],
    driving: Annotated[
        Path, typer.Argument(help="A video, a folder of frames, a saved motion, or a picture of an expression.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv.")],
    region: Annotated[Region, typer.Option(help="What is taken over from the driver.")] = Region.all,
    absolute: Annotated[bool, typer.Option("--absolute", help="Take the driver's own head rotation.")] = False,
    lips: Annotated[float, typer.Option(help="Strength of lips and jaw.")] = 1.0,
    eyes: Annotated[float, typer.Option(help="Strength of lids and gaze.")] = 1.0,
    brows: Annotated[float, typer.Option(help="Strength of the brows.")] = 1.0,
    head: Annotated[float, typer.Option(help="Strength of the head's motion.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal frames.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps of each face.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="ddim, dpm++, unipc, euler, ...")] = None,
    sound: Annotated[bool, typer.Option("--sound", help="Carry the driver's sound over.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Driver and source beside the result.")] = False,
    domain: Annotated[str | None, typer.Option(help="A domain model, to paint the mouth anew.")] = None,
    prior: Annotated[str | None, typer.Option(help="The model that a domain model is composed with.")] = None,
    prior_strength: Annotated[float | None, typer.Option(help="Its share, 0 to 1; by default what was best.")] = None,
    model: Annotated[str, typer.Option(help="base, or a model folder.")] = "base",
    face: Annotated[str | None, typer.Option(help="'largest', or an index from the left.")] = None,
    on_missing_face: Annotated[OnMissingFace, typer.Option(help="Of a video.")] = OnMissingFace.keep,
    preview: Annotated[bool, typer.Option("--preview", help="Write one frame, a picture without provenance.")] = False,
    consent: Annotated[str | None, typer.Option(help="What the person shown agreed to; kept in the file.")] = None,
    watermark: Annotated[bool, typer.Option(help="Weave an invisible mark into the frames.")] = True,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...")] = None,
) -> None:
    """A face moves as another face does."""
    output = output.with_suffix(".png") if preview else output
    check_paths(source, driving, output, preview, folders=True)
    with err.status("reading the face"):
        avatar = read_avatar(source, face, model, device, on_missing_face.value, consent)
    with err.status("reading the driver"):
        clip = avatar.animate(
            driving, region=region.value, absolute=absolute, lips=lips, eyes=eyes, brows=brows, head=head, seed=seed,
            steps=steps, scheduler=scheduler, sound=sound, compare=compare, domain=domain, prior=prior,
            prior_strength=prior_strength,
        )  # fmt: skip
    write_clip(clip, output, preview, watermark=watermark)
