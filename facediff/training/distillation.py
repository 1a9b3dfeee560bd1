"""Trains a student that paints in half its teacher's steps: DiffTalk's denoiser or FADM's refiner."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.audio.encoder import load_encoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.fadm import FADMConditioner
from facediff.datasets.recordings import Source, read_recordings
from facediff.diffusion.distillation import alpha_of, halve_steps, student_timesteps
from facediff.diffusion.noise_levels import prediction_kind
from facediff.diffusion.prediction import to_sample
from facediff.errors import ConfigError
from facediff.models.checkpoints import open_network, open_schedule
from facediff.models.codec import FaceCodec
from facediff.training.coarse_pairs import build_coarse_pairs
from facediff.training.difftalk import Denoiser, DiffTalkRecipe, LatentDraw, encode_pairs, weigh_places
from facediff.training.faces import FaceCrops, build_face_cache
from facediff.training.fadm import CoarseDraw, FADMRecipe, Refiner, encode_coarse_pairs, weigh_faces
from facediff.training.loop import Batch, Draw, LoopConfig, Loss, fit
from facediff.training.pairs import build_pair_cache
from facediff.training.stages import crop_windows, save_component

PAINTERS = ("difftalk", "fadm")


def run_distil(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    start: str | None = None,
    painter: str = "difftalk",
    teacher_steps: int = 8,
    pairs: int = 12000,
) -> None:
    """Trains a student on a teacher's own steps and writes it to ``model/difftalk`` or ``model/fadm``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for crops, pairs and latents; those of the stages of the same name.
        model: Model folder to write to; not the teacher's.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        start: The model whose painter teaches; the embedded one by default.
        painter: ``difftalk`` or ``fadm``.
        teacher_steps: How many steps the teacher takes; the student takes half of them.
        pairs: How many training pairs to prepare.

    Raises:
        ConfigError: There is no such painter, the steps do not divide, or the student would take its teacher's place.
    """
    start = start or "base"
    if painter not in PAINTERS:
        raise ConfigError(f"what is distilled is one of {', '.join(PAINTERS)}, not {painter!r}")
    if teacher_steps < 2 or teacher_steps % 2:
        raise ConfigError(f"a teacher of {teacher_steps} steps cannot be halved; give an even number")
    if Path(start).resolve() == model.resolve():
        raise ConfigError(f"the student would take its teacher's place in {model}; write to another folder")
    schedule, steps = open_schedule(start, painter), teacher_steps // 2
    student_timesteps(schedule, steps)
    clips = read_recordings(catalog, licence=licence)
    crops = build_face_cache(clips, cache)
    codec = open_network(FaceCodec, start, "codec")
    unet = open_network(UNet2DConditionModel, start, f"{painter}/unet")
    student: Denoiser | Refiner
    draw: Draw
    if painter == "difftalk":
        student = Denoiser(unet, open_network(DiffTalkConditioner, start, "difftalk/conditioner"))
        encoder = load_encoder(student.conditioner.config["audio_encoder"])
        draw = _draw_mouths(crops, cache / "pairs", codec, crop_windows(crops, clips, encoder), pairs, config.seed)
        known, weigh = "reference", lambda batch: weigh_places(batch, DiffTalkRecipe())
    else:
        student = Refiner(unet, open_network(FADMConditioner, start, "fadm/conditioner"))
        made = build_coarse_pairs(crops, cache / "coarse-pairs", count=pairs, seed=config.seed)
        latents = encode_coarse_pairs(codec, made, cache / "coarse-pairs")
        draw = CoarseDraw(made, latents, FADMRecipe())
        known, weigh = "coarse", lambda batch: weigh_faces(batch, FADMRecipe())
    scale = student.conditioner.config["residual_scale"]
    distil(student, draw, distillation_loss(copy.deepcopy(student), schedule, known, scale, weigh, steps), config)
    save_component(model / painter, schedule, unet=student.unet, conditioner=student.conditioner)


def _draw_mouths(
    crops: FaceCrops, folder: Path, codec: FaceCodec, heard: tuple[NDArray, NDArray], pairs: int, seed: int
) -> LatentDraw:
    made = build_pair_cache(crops, folder, count=pairs, seed=seed)
    return LatentDraw(made, encode_pairs(codec, made, folder), crops.rotation, heard[0], heard[1], DiffTalkRecipe())


def distillation_loss(
    teacher: nn.Module,
    scheduler: DDIMScheduler,
    known: str,
    residual_scale: float,
    weigh: Callable[[Batch], Tensor],
    steps: int,
) -> Loss:
    """The loss of one step: the clean sample that two steps of the teacher imply, weighted by the truncated SNR.

    Args:
        teacher: Called as the student is: with noisy latents, timesteps and the batch; it does not learn.
        scheduler: Noise levels of both, and what they predict.
        known: Name of the latents in a batch whose difference from ``target`` is denoised.
        residual_scale: Deviation of that difference.
        weigh: Weight (B, 1, h, w) of every place in a batch.
        steps: Of the student.

    Raises:
        ConfigError: See ``facediff.diffusion.distillation.student_timesteps``.
    """
    teacher = teacher.eval().requires_grad_(False)
    at, kind = student_timesteps(scheduler, steps), prediction_kind(scheduler)

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = (batch["target"] - batch[known]) / residual_scale
        device = clean.device
        teacher.to(device)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        chosen = torch.randint(len(at), (len(clean),), generator=generator, device=device)
        timesteps = at.to(device)[chosen]
        noisy = scheduler.add_noise(clean, noise, timesteps)
        wanted = halve_steps(lambda x, t: teacher(x, t, batch).float(), noisy, timesteps, scheduler, steps)
        alpha = alpha_of(scheduler, timesteps, noisy)
        got = to_sample(model(noisy, timesteps, batch).float(), noisy, alpha, kind)
        weight = weigh(batch)
        error = (weight * (got - wanted).pow(2)).sum((1, 2, 3)) / (weight.sum((1, 2, 3)) * clean.shape[1])
        trust = (alpha / (1 - alpha)).clamp(min=1).flatten()
        return (trust * error).mean(), {"error": float(error.detach().mean())}

    return loss


def distil(student: nn.Module, draw: Draw, loss: Loss, config: LoopConfig) -> nn.Module:
    """Trains a student that begins as its teacher; resumes a run found in ``config.output``."""
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return fit(student, draw, loss, config)
