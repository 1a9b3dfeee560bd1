"""Trains the prior: a denoiser of pictures learns how frames follow one another, on all clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from facediff.audio.encoder import load_encoder
from facediff.conditioning.captions import CaptionEncoder, split_words
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import InputError
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.models.space_time import TemporalLayer, space_time_prior
from facediff.training.attributes import find_label, read_labels
from facediff.training.edit_stages import LABELS
from facediff.training.loop import LoopConfig
from facediff.training.runs import FRAMES, ClipRuns, build_runs
from facediff.training.space_time import ClipModel, RunDraw, RunRecipe, RunSource, train_clips
from facediff.training.stages import load_own_codec, save_network

PER_IDENTITY = 32  # runs of a person
OPPOSITES = {"male": ("man", "woman"), "age": ("old", "young")}
SURE = (0.25, 0.66)  # labels below and above are said in words


def run_prior(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    labels: Path = LABELS,
    licence: str = "permissive",
) -> None:
    """Trains a temporal layer and words in front of ``model/difftalk``, which stays as it is; writes ``model/prior``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for tracks and runs; filled at the first run.
        model: Model folder to write to; must hold the codec and the denoiser.
        config: How long, how fast.
        labels: CSV as ``read_labels`` wants it; captions are made of it.
        licence: As in ``read_recordings``.
    """
    conditioner = open_network(DiffTalkConditioner, model, "difftalk/conditioner")
    unet = open_network(UNet2DConditionModel, model, "difftalk/unet")
    runs = read_runs(catalog, cache, load_own_codec(model), conditioner, seed=config.seed, licence=licence)
    known = read_labels(labels)
    sources = weigh_sources([(clip, made, write_caption(find_label(clip, known) or {})) for clip, made in runs])
    torch.manual_seed(config.seed)
    temporal = TemporalLayer(unet.config["block_out_channels"][-1])
    words = CaptionEncoder(sorted({word for source in sources for word in split_words(source.caption)}))
    prior = space_time_prior(unet, temporal).requires_grad_(False)
    temporal.requires_grad_(True)
    recipe = RunRecipe()
    trained = ClipModel(prior, conditioner, words)
    train_clips(trained, RunDraw(sources, words, recipe), base_schedule(), config, recipe)
    save_network(temporal, model / "prior" / "temporal")
    save_network(words, model / "prior" / "captions")


def read_runs(
    catalog: Path | Source, cache: Path, codec: FaceCodec, conditioner: DiffTalkConditioner, *, seed: int, licence: str
) -> list[tuple[Recording, ClipRuns]]:
    """Runs of the clips of a table, as a denoiser hears and sees them; made at the first call.

    Raises:
        InputError: None of them shows a face for long enough.
    """
    clips = read_recordings(catalog, kinds=("av", "silent"), licence=licence)
    encoder = load_encoder(conditioner.config["audio_encoder"], tokens=conditioner.config["audio_columns"])
    codec = codec.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    runs = build_runs(clips, cache, codec, encoder, per_identity=PER_IDENTITY, seed=seed)
    if not runs:
        raise InputError(f"none of {len(clips)} clips shows a face for {FRAMES} frames in a row; give clips of faces")
    return [(clip, runs[clip.name]) for clip in clips if clip.name in runs]


def write_caption(label: Mapping[str, float]) -> str:
    """What a row of labels says, in words."""
    said = []
    for name, value in label.items():
        yes, no = OPPOSITES.get(name, (name.replace("-", " "), ""))
        said.append(yes if value >= SURE[1] else no if value <= SURE[0] else "")
    return " ".join(word for word in said if word)


def weigh_sources(known: Sequence[tuple[Recording, ClipRuns, str]], power: float = 0.6) -> list[RunSource]:
    """Clips to draw from; people count as their number of runs to that power."""
    people: Counter[str] = Counter()
    for clip, runs, _ in known:
        people[clip.identity] += len(runs)
    return [
        RunSource(runs, len(runs) * people[clip.identity] ** (power - 1), clip.sound is not None, said)
        for clip, runs, said in known
    ]
