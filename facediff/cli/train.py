"""facediff train."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import err


class Stage(str, Enum):
    """What can be trained."""

    codec = "codec"
    motion = "motion"
    closing = "closing"
    sync = "sync"
    difftalk = "difftalk"
    fadm = "fadm"
    prior = "prior"
    edit = "edit"
    attributes = "attributes"
    prototypes = "prototypes"
    unseen = "unseen"


@app.command()
def train(
    stage: Annotated[
        Stage, typer.Argument(help="codec before difftalk, fadm, edit; difftalk before prior; motion before sync.")
    ],
    catalog: Annotated[Path, typer.Argument(help="CSV: file, split, kind, identity, licence; of closing, a folder.")],
    model: Annotated[Path, typer.Option(help="Model folder to write to.")],
    cache: Annotated[Path, typer.Option(help="Folder for tracks, crops and latents.")] = Path(".cache/facediff"),
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 2000,
    minutes: Annotated[float | None, typer.Option(help="Stop and save after so long; run again to go on.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Peak of the cosine schedule.")] = 1e-3,
    mixed_precision: Annotated[str, typer.Option(help="no, bf16 or fp16.")] = "no",
    licence: Annotated[str, typer.Option(help="any, or permissive: no non-commercial clips.")] = "any",
    audio_encoder: Annotated[str, typer.Option(help="What difftalk hears with: log-mel, wav2vec2, ...")] = "log-mel",
    labels: Annotated[
        Path | None, typer.Option(help="CSV for attributes: file or sha256, and 0 to 1 each; ours if not given.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="An attribute to keep; may be repeated. All if none.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
) -> None:
    """Train a model of your own; a run that was cut off goes on where it was saved."""
    from facediff.training import edit_stages, stages
    from facediff.training.loop import LoopConfig
    from facediff.training.prior import run_prior

    logging.getLogger("facediff").setLevel(logging.INFO)
    config = LoopConfig(
        output=cache / "runs" / stage.value, steps=steps, minutes=minutes, learning_rate=learning_rate,
        mixed_precision=mixed_precision, seed=seed,
    )  # fmt: skip
    if stage is Stage.closing:
        stages.run_closing(catalog, model)
    elif stage is Stage.unseen:
        stages.run_unseen(catalog, cache, model, licence=licence)
    elif stage is Stage.prototypes:
        edit_stages.run_prototypes(
            labels or edit_stages.LABELS, catalog, cache, model, only=only or (), licence=licence
        )
    elif stage is Stage.attributes:
        judged = edit_stages.run_attributes(
            labels or edit_stages.LABELS, catalog, cache, model, only=only or (), licence=licence
        )
        for name, score in judged.items():
            err.print(f"{name}: {score:.2f} on people not seen (area under the curve)", highlight=False)
    elif stage is Stage.difftalk:
        stages.run_difftalk(catalog, cache, model, config, licence=licence, audio_encoder=audio_encoder)
    else:
        run = {
            Stage.codec: stages.run_codec, Stage.motion: stages.run_motion, Stage.sync: stages.run_sync,
            Stage.fadm: stages.run_fadm, Stage.prior: run_prior, Stage.edit: edit_stages.run_edit,
        }[stage]  # fmt: skip
        run(catalog, cache, model, config, licence=licence)
    say_wrote(model)
