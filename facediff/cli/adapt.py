"""facediff adapt."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import err, stages_bar
from facediff.errors import ConfigError, FaceDiffError
from facediff.system.files import check_file

if TYPE_CHECKING:
    from facediff.training.loop import LoopConfig

PREVIEW_S = 10


class Method(str, Enum):
    """What is trained."""

    small = "small"
    lora = "lora"
    one_shot = "one-shot"


@app.command()
def adapt(
    footage: Annotated[
        Path, typer.Argument(help="A folder of videos, or a video; NAME.txt beside one is its caption.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the domain model to be made.")],
    method: Annotated[
        Method,
        typer.Option(
            help="small: a model of its own before the prior; lora: changes in the large one; one-shot: that with "
            "layers along time, tuned on one clip."
        ),
    ] = Method.small,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 1500,
    batch_size: Annotated[int, typer.Option(help="Runs of eight frames to a step.")] = 3,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the cosine schedule.")] = None,
    rank: Annotated[int, typer.Option(help="Of the changes, for lora.")] = 8,
    mixed_precision: Annotated[str, typer.Option(help="no, bf16 or fp16.")] = "no",
    name: Annotated[str | None, typer.Option(help="Of the domain; that of the folder by default.")] = None,
    model: Annotated[str, typer.Option(help="The base that it goes with: base, or a model folder.")] = "base",
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
    painter: Annotated[
        str | None, typer.Option(help="For one-shot: tune this Stable Diffusion, a folder or a hub's name, not mouths.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What the video shows; for --painter.")] = None,
    size: Annotated[int, typer.Option(help="Longer side at which a painter sees it, in pixels.", min=16)] = 512,
    preview: Annotated[bool, typer.Option(help="Render preview.mp4 of the footage into the folder.")] = True,
) -> None:
    """Learn one presenter or one style from footage, to paint mouths of its kind; cut off, run it again to go on."""
    from facediff.training.adaptation import LEARNING_RATES, AdaptRecipe
    from facediff.training.adaptation import adapt as make

    if painter is not None:
        if method is not Method.one_shot:
            raise ConfigError(f"a painter is tuned by one-shot, not by {method.value}; give method=one-shot")
        from facediff.training.loop import LoopConfig
        from facediff.training.one_shot import LEARNING_RATE

        work = output.with_name(output.name + ".work")
        config = LoopConfig(
            output=work, steps=steps, learning_rate=learning_rate or LEARNING_RATE, mixed_precision=mixed_precision,
            seed=seed,
        )  # fmt: skip
        _tune_painter(footage, output, config, painter, text or "", size)
        return
    if text is not None:
        raise ConfigError("text is what a painter is told: give painter too, or write a caption beside each video")
    recipe = AdaptRecipe(
        method=method.value, steps=steps, batch_size=batch_size, rank=rank, mixed_precision=mixed_precision, seed=seed,
        learning_rate=learning_rate or LEARNING_RATES[method.value],
    )  # fmt: skip
    with stages_bar() as advance:
        card = make(footage, output, recipe, model=model, name=name, progress=advance)
    for what, error in card.figures.items():
        err.print(f"{what}: error {error:.5f} on footage held out", highlight=False)
    if method is Method.small:
        err.print(f"the prior's strength is {card.prior_strength:g} from now on", highlight=False)
    if preview:
        _preview(footage, output, model)
    say_wrote(output)


def _tune_painter(video: Path, output: Path, config: LoopConfig, painter: str, text: str, size: int) -> None:
    """Tune-A-Video on a hub's model of pictures, for 'facediff style'."""
    from facediff.training.one_shot import tune_on_video

    check_file(video)
    with stages_bar() as advance:
        told = replace(config, progress=lambda k, n: advance("training", k, n))
        tune_on_video(video, output, told, painter=painter, text=text, size=size, progress=advance)
    say_wrote(output)


def _preview(footage: Path, output: Path, model: str) -> None:
    """The beginning of the first video with sound, dubbed with its own; without one it is a model nevertheless."""
    from facediff.avatar import Avatar
    from facediff.datasets.footage import read_footage

    spoken = next((clip for clip in read_footage(footage) if clip.sound is not None), None)
    if spoken is None:
        return
    try:
        with err.status("rendering a preview"):
            clip = Avatar.from_video(spoken.path, model=model).talk(spoken.path, domain=output)
            clip.opening(PREVIEW_S).save(output / "preview.mp4")
    except FaceDiffError as error:
        err.print(f"there is no preview: {error}", highlight=False)
