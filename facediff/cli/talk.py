"""facediff talk, hello."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import OnMissingFace, check_paths, read_avatar, write_clip
from facediff.cli.console import err


@app.command()
def talk(
    source: Annotated[Path, typer.Argument(help="A portrait, or a video to be dubbed.")],
    speech: Annotated[Path, typer.Argument(help="A file with speech: sound, or a video with sound.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv.")],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal frames.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps of each mouth.")] = 2,
    guidance_scale: Annotated[float, typer.Option(help="How much more the sound counts; 1 is no guidance.")] = 1.0,
    lips: Annotated[float, typer.Option(help="Strength of lips and jaw.")] = 1.0,
    head: Annotated[float, typer.Option(help="Strength of a portrait's head motion.")] = 1.0,
    still: Annotated[bool, typer.Option("--still", help="Hold a portrait's head still.")] = False,
    scheduler: Annotated[str | None, typer.Option(help="ddim, dpm++, unipc, euler, ...")] = None,
    model: Annotated[str, typer.Option(help="base, or a model folder.")] = "base",
    audio_encoder: Annotated[
        str | None, typer.Option(help="log-mel, wav2vec2, hubert, whisper or a folder; the model's own by default.")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="A domain model: a folder that 'adapt' wrote.")] = None,
    prior: Annotated[str | None, typer.Option(help="The model that a domain model is composed with.")] = None,
    prior_strength: Annotated[float | None, typer.Option(help="Its share, 0 to 1; by default what was best.")] = None,
    text: Annotated[str | None, typer.Option(help="What a domain model is told about the clip.")] = None,
    face: Annotated[str | None, typer.Option(help="'largest', or an index from the left.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second (25; a video has its own).")] = None,
    on_missing_face: Annotated[OnMissingFace, typer.Option(help="Of a video.")] = OnMissingFace.keep,
    preview: Annotated[bool, typer.Option("--preview", help="Write one frame, a picture without provenance.")] = False,
    consent: Annotated[str | None, typer.Option(help="What the person shown agreed to; kept in the file.")] = None,
    watermark: Annotated[bool, typer.Option(help="Weave an invisible mark into the frames.")] = True,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...")] = None,
) -> None:
    """A portrait speaks, or a video is dubbed."""
    output = output.with_suffix(".png") if preview else output
    check_paths(source, speech, output, preview)
    with err.status("reading the face"):
        avatar = read_avatar(source, face, model, device, on_missing_face.value, consent)
    with err.status("listening"):
        clip = avatar.talk(
            speech, seed=seed, steps=steps, guidance_scale=guidance_scale, lips=lips, head=head, still=still,
            scheduler=scheduler, audio_encoder=audio_encoder, fps=fps, domain=domain, prior=prior,
            prior_strength=prior_strength, text=text,
        )  # fmt: skip
    write_clip(clip, output, preview, watermark=watermark)


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
        write_clip(Avatar.from_image(astronaut()).talk(speech), output, preview=False)
