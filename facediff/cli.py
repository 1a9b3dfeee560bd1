"""The command line: reads arguments, calls the library, shows progress. Knows how to do nothing itself."""

from __future__ import annotations

import logging
from enum import Enum
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import facediff
from facediff.console import Commands, err, progress_bar, set_up_logging
from facediff.errors import ConfigError, InputError

if TYPE_CHECKING:
    from facediff.avatar import Avatar, Clip

app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


class OnMissingFace(str, Enum):
    """What becomes of frames without a face."""

    keep = "keep"
    hold = "hold"
    error = "error"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"facediff {facediff.__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, and all that is logged.")
    ] = False,
) -> None:
    """Talking heads and face animation with diffusion models."""
    set_up_logging(logging.DEBUG if debug else logging.WARNING)


@app.command()
def talk(
    source: Annotated[Path, typer.Argument(help="A portrait, or a video to be dubbed.")],
    speech: Annotated[Path, typer.Argument(help="A file with speech: sound, or a video with sound.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: mp4, mov, m4v, mkv.")],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal frames.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps of each mouth.")] = 4,
    guidance_scale: Annotated[float, typer.Option(help="How much more the sound counts; 1 is no guidance.")] = 1.0,
    lips: Annotated[float, typer.Option(help="Strength of lips and jaw.")] = 1.0,
    head: Annotated[float, typer.Option(help="Strength of a portrait's head motion.")] = 1.0,
    still: Annotated[bool, typer.Option("--still", help="Hold a portrait's head still.")] = False,
    scheduler: Annotated[str | None, typer.Option(help="ddim, dpm++, unipc, euler, ...")] = None,
    model: Annotated[str, typer.Option(help="base, or a model folder.")] = "base",
    audio_encoder: Annotated[
        str | None, typer.Option(help="log-mel, wav2vec2, hubert, whisper or a folder; the model's own by default.")
    ] = None,
    face: Annotated[str | None, typer.Option(help="'largest', or an index from the left.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of a portrait's clip (25).")] = None,
    on_missing_face: Annotated[OnMissingFace, typer.Option(help="Of a video.")] = OnMissingFace.keep,
    preview: Annotated[bool, typer.Option("--preview", help="Write one frame, as a picture, in seconds.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...")] = None,
) -> None:
    """A portrait speaks, or a video is dubbed."""
    output = output.with_suffix(".png") if preview else output
    _check_paths(source, speech, output, preview)
    with err.status("reading the face"):
        avatar = _avatar(source, face, model, device, on_missing_face.value)
    with err.status("listening"):
        clip = avatar.talk(
            speech, seed=seed, steps=steps, guidance_scale=guidance_scale, lips=lips, head=head, still=still,
            scheduler=scheduler, audio_encoder=audio_encoder, fps=fps,
        )  # fmt: skip
    _write(clip, output, preview)


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
        _write(Avatar.from_image(astronaut()).talk(speech), output, preview=False)


def _avatar(source: Path, face: str | None, model: str, device: str | None, on_missing_face: str) -> Avatar:
    from facediff.avatar import Avatar
    from facediff.media import is_video

    chosen = int(face) if face is not None and face.lstrip("-").isdigit() else face
    if isinstance(chosen, str) and chosen != "largest":
        raise ConfigError(f"--face is 'largest' or an index from the left, not {chosen!r}")
    if is_video(source):
        return Avatar.from_video(
            source, face="largest" if chosen is None else chosen, model=model, device=device,
            on_missing_face=on_missing_face,
        )  # fmt: skip
    return Avatar.from_image(source, face=chosen, model=model, device=device)


def _check_paths(source: Path, speech: Path, output: Path, preview: bool) -> None:
    """Refuses at once what would otherwise fail after the work."""
    from facediff.media import check_target

    for path in (source, speech):
        if not path.is_file():
            raise InputError(f"there is no file at {path}")
        if output.exists() and output.samefile(path):
            raise ConfigError(f"{output} is an input; choose another name for the result")
    if not preview:
        check_target(output)


def _write(clip: Clip, output: Path, preview: bool) -> None:
    if preview:
        from facediff.media import write_image

        with err.status("rendering a frame"):
            write_image(output, clip.preview())
    else:
        with progress_bar("rendering", len(clip)) as advance:
            clip.save(output, progress=advance)
    err.print(f"wrote {output}", highlight=False, markup=False, soft_wrap=True)


class Stage(str, Enum):
    """What can be trained."""

    codec = "codec"
    motion = "motion"
    sync = "sync"
    difftalk = "difftalk"


@app.command()
def train(
    stage: Annotated[Stage, typer.Argument(help="codec before difftalk, motion before sync.")],
    catalog: Annotated[Path, typer.Argument(help="CSV: file, split, kind, identity, licence.")],
    model: Annotated[Path, typer.Option(help="Model folder to write to.")],
    cache: Annotated[Path, typer.Option(help="Folder for tracks, crops and latents.")] = Path(".cache/facediff"),
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 2000,
    minutes: Annotated[float | None, typer.Option(help="Stop and save after so long; run again to go on.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Peak of the cosine schedule.")] = 1e-3,
    mixed_precision: Annotated[str, typer.Option(help="no, bf16 or fp16.")] = "no",
    licence: Annotated[str, typer.Option(help="any, or permissive: no non-commercial clips.")] = "any",
    audio_encoder: Annotated[str, typer.Option(help="What difftalk hears with: log-mel, wav2vec2, ...")] = "log-mel",
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
) -> None:
    """Train a model of your own; a run that was cut off goes on where it was saved."""
    from facediff.training import stages
    from facediff.training.loop import LoopConfig

    logging.getLogger("facediff").setLevel(logging.INFO)
    config = LoopConfig(
        output=cache / "runs" / stage.value, steps=steps, minutes=minutes, learning_rate=learning_rate,
        mixed_precision=mixed_precision, seed=seed,
    )  # fmt: skip
    if stage is Stage.difftalk:
        stages.run_difftalk(catalog, cache, model, config, licence=licence, audio_encoder=audio_encoder)
    else:
        run = {Stage.codec: stages.run_codec, Stage.motion: stages.run_motion, Stage.sync: stages.run_sync}[stage]
        run(catalog, cache, model, config, licence=licence)
    err.print(f"wrote {model}", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Runs the command line."""
    app()
