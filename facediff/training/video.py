"""Trains the temporal layers of an inflated denoiser of mouths on runs of frames; what it knows of pictures stays."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.datasets.recordings import Source
from facediff.models.checkpoints import open_network, open_schedule, own_or_base
from facediff.models.codec import FaceCodec
from facediff.models.inflation import check_method, inflate
from facediff.pipelines.domains import TEMPORAL, DomainCard, base_hash, write_domain
from facediff.training.loop import LoopConfig
from facediff.training.prior import read_runs, weigh_sources
from facediff.training.runs import FRAMES
from facediff.training.space_time import ClipModel, RunDraw, RunRecipe, train_clips

_FPS = 25.0


def run_video(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    start: str | None = None,
    layers: str = "vdm",
) -> None:
    """Trains temporal layers and writes them to ``model/video``, a domain model: ``talk --domain model/video``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for tracks and runs; filled at the first run.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        start: The model whose denoiser is inflated; ``model`` itself where it has one, else the embedded one.
        layers: Of which system; see ``facediff.models.inflation.inflate``.

    Raises:
        ConfigError: There are no such layers.
        InputError: No clip shows a face for long enough.
    """
    check_method(layers)
    base = start or own_or_base(model)
    conditioner = open_network(DiffTalkConditioner, base, "difftalk/conditioner")
    unet = open_network(UNet2DConditionModel, base, "difftalk/unet")
    codec = open_network(FaceCodec, base, "codec")
    runs = read_runs(catalog, cache, codec, conditioner, seed=config.seed, licence=licence)
    torch.manual_seed(config.seed)
    clips = inflate(unet, layers).freeze_pictures()
    words, recipe = CaptionEncoder(()).requires_grad_(False), RunRecipe()
    config = replace(config, output=config.output.with_name(f"{config.output.name}-{layers}"))  # a run for each
    draw = RunDraw(weigh_sources([(clip, made, "") for clip, made in runs]), words, recipe)
    train_clips(ClipModel(clips, conditioner, words), draw, open_schedule(base, "difftalk"), config, recipe)
    card = DomainCard(
        name=f"video, {layers}", method=TEMPORAL, base_sha256=base_hash(base, TEMPORAL), clips=len(runs),
        seconds=round(sum(len(made) for _, made in runs) * FRAMES / _FPS, 1), steps=config.steps,
    )  # fmt: skip
    folder = model / "video"
    shutil.rmtree(folder, ignore_errors=True)  # a run that goes on takes the place of what it had saved
    with write_domain(folder, card) as partial:
        clips.half().save_pretrained(partial / TEMPORAL)
