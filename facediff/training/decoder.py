"""Tunes the codec's decoder on video: temporal layers learn, the encoder and what it knows of pictures stay."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.datasets.recordings import Source, read_recordings
from facediff.errors import InputError
from facediff.models.checkpoints import open_network, own_or_base
from facediff.models.clip_codec import ClipCodec
from facediff.models.codec import FaceCodec
from facediff.pipelines.domains import TEMPORAL, DomainCard, base_hash, write_domain
from facediff.training.codec import fidelity_loss
from facediff.training.latents import to_pictures
from facediff.training.loop import Batch, LoopConfig, fit, unwrap
from facediff.training.prior import PER_IDENTITY
from facediff.training.runs import FRAMES, read_pictures


@dataclass(frozen=True, kw_only=True)
class DecoderRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Runs to a step.
        noise: Most noise, in deviations, on latents before they are decoded: denoisers err too.
        change_weight: Of the error in the change from frame to frame.
    """

    batch_size: int = 2
    noise: float = 0.1
    change_weight: float = 2.0


def run_decoder(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    start: str | None = None,
) -> None:
    """Tunes a decoder and writes it to ``model/decoder``, a domain model: ``talk --domain model/decoder``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for tracks and pictures; filled at the first run.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        start: The model whose codec it is; ``model`` itself where it has one, else the embedded one.

    Raises:
        InputError: No clip shows a face for long enough.
    """
    base = start or own_or_base(model)
    codec = open_network(FaceCodec, base, "codec")
    clips = read_recordings(catalog, kinds=("av", "silent"), licence=licence)
    found = [read_pictures(clip, cache, most=PER_IDENTITY, seed=config.seed) for clip in clips]
    runs = [pictures for pictures in found if len(pictures)]
    if not runs:
        raise InputError(f"none of {len(clips)} clips shows a face for {FRAMES} frames in a row; give clips of faces")
    torch.manual_seed(config.seed)
    tuned = tune_decoder(ClipCodec.from_codec(codec), runs, config)
    card = DomainCard(
        name="decoder tuned on video", method=TEMPORAL, base_sha256=base_hash(base, TEMPORAL), clips=len(runs),
        seconds=round(sum(map(len, runs)) * FRAMES / 25, 1), steps=config.steps,
    )  # fmt: skip
    folder = model / "decoder"
    shutil.rmtree(folder, ignore_errors=True)  # a run that goes on takes the place of what it had saved
    with write_domain(folder, card) as partial:
        tuned.half().save_pretrained(partial / "codec")  # type: ignore[operator]


def tune_decoder(
    codec: ClipCodec, runs: Sequence[NDArray[np.uint8]], config: LoopConfig, recipe: DecoderRecipe = DecoderRecipe()
) -> ClipCodec:
    """Trains the temporal layers of a codec; resumes a run found in ``config.output``.

    Args:
        codec: What to tune.
        runs: Of each clip, (N, F, H, W, 3).
        config: How long, how fast.
        recipe: What a step looks like.
    """
    codec.freeze_pictures()  # not channels last, in which torch 2.13 may die on a CPU

    def draw(rng: np.random.Generator) -> Batch:
        chosen = [runs[int(rng.integers(len(runs)))] for _ in range(recipe.batch_size)]
        pictures = np.concatenate([clip[int(rng.integers(len(clip)))] for clip in chosen])
        return {"images": to_pictures(pictures)}

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        images, own = batch["images"], unwrap(model)
        with torch.no_grad():
            latents = own.encode(images)
        noise = torch.randn(latents.shape, generator=generator, device=latents.device, dtype=latents.dtype)
        made = own.decode(latents + recipe.noise * noise, recipe.batch_size).float()
        changes = [x.unflatten(0, (recipe.batch_size, -1)).diff(dim=1) for x in (made, images)]
        change = F.l1_loss(*changes)
        value = fidelity_loss(made, images) + recipe.change_weight * change
        return value, {"change": float(change.detach())}

    fit(codec, draw, loss, config)
    return codec
