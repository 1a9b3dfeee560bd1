"""How far what is sampled is from the truth: what a domain model is judged by while it is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from facediff.conditioning.difftalk import NOISE_TEMPERATURE
from facediff.landmarks.alignment import MOUTH
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.training.difftalk import DiffTalkRecipe, weigh_places
from facediff.training.space_time import RunSource

TOLD = ("masked", "reference", "mask", "lips", "window", "points", "rotation")
MOST_RUNS = 40


@torch.inference_mode()
def sampling_error(
    pipeline: DiffTalkPipeline, sources: Sequence[RunSource], *, num_inference_steps: int = 2, seed: int = 0
) -> float:
    """Mean squared error of sampled latents, where mouths are painted, and between the lips above all.

    Args:
        pipeline: What paints; told nothing about the clips but what is seen and heard.
        sources: Runs that it has not been trained on; of more than 40, so many are taken, evenly spread.
        num_inference_steps: Of the sampling.
        seed: Of the noise.
    """
    rows = [(source, row) for source in sources for row in range(len(source.runs))]
    if not rows:
        return float("nan")
    noise = NOISE_TEMPERATURE * pipeline.noise(MOUTH.size, seed)
    errors = []
    for index in np.unique(np.linspace(0, len(rows) - 1, MOST_RUNS).astype(int)):
        source, row = rows[index]
        batch = {name: part.to(pipeline.unet.device) for name, part in source.runs.batch([row]).items()}
        told = {name: batch[name].to(pipeline.unet.dtype) for name in TOLD}
        heard = torch.full((len(batch["mask"]),), source.is_heard, device=pipeline.unet.device)
        cond = pipeline.conditioner(**told, audio_known=heard)
        made = pipeline(cond, noise, num_inference_steps=num_inference_steps, decode=False).latents
        weight = weigh_places(batch, DiffTalkRecipe(outside_weight=0.0))
        error = (weight * (made.float() - batch["target"]).square()).sum() / (weight.sum() * made.shape[1])
        errors.append(float(error))
    return float(np.mean(errors))
