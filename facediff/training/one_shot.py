"""Tune-A-Video: a hub's model of pictures, tuned on one clip so that it paints that clip's motion in other looks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor, nn

from facediff.diffusion.noise_levels import alpha_at, prediction_kind
from facediff.diffusion.prediction import from_epsilon
from facediff.errors import ConfigError, InputError, OutputError
from facediff.media import VideoReader
from facediff.models.inflation import InflatedUNet, inflate
from facediff.pipelines.painter_loading import load_painter
from facediff.rendering.crops import as_pictures
from facediff.system.files import atomic_folder
from facediff.training.adaptation import claim_work
from facediff.training.loop import Batch, LoopConfig, Loss, fit

LEARNING_RATE, STEPS, FRAMES = 3e-5, 500, 24  # of the paper, for Stable Diffusion 1.4
MOST_FRAMES = 250  # of a video that are learnt


@dataclass(frozen=True)
class TunedClip:
    """A clip to tune on.

    Attributes:
        latents: (F, L, h, w) as the denoiser wants them; several frames.
        tokens: (1, N, D) of what it shows.
        beside: (F, C, h, w) that the denoiser is shown beside them, as structure is; None for nothing.
    """

    latents: Tensor
    tokens: Tensor
    beside: Tensor | None = None


class _Painter(nn.Module):
    """The inflated denoiser, called with a batch."""

    def __init__(self, clips: InflatedUNet) -> None:
        super().__init__()
        self.clips = clips

    def forward(self, noisy: Tensor, timestep: Tensor, batch: Batch) -> Tensor:
        seen = torch.cat([noisy, batch["beside"]], dim=1) if "beside" in batch else noisy
        tokens = batch["tokens"].expand(len(noisy), -1, -1)
        return self.clips(seen, timestep, tokens, return_dict=False)[0]


def tune_painter(
    unet: UNet2DConditionModel, clip: TunedClip, scheduler: SchedulerMixin, config: LoopConfig, *, frames: int = FRAMES
) -> InflatedUNet:
    """A copy of a denoiser of pictures that has learnt the motion of one clip.

    Its self-attention looks at frame 0 and the frame before, and layers along time are added; those and the queries
    learn. A step sees so many frames in a row, at one noise level.

    Args:
        unet: Of a hub, or any other.
        clip: What to tune on.
        scheduler: The noise levels that it was trained with, and what it predicts.
        config: How long and how fast; ``LEARNING_RATE`` and ``STEPS`` are the paper's. A run found in its folder is
            gone on with.
        frames: Most of a step.

    Raises:
        InputError: The clip has fewer than two frames.
        ConfigError: The network has no attention.

    Source: Wu et al., "Tune-A-Video: One-Shot Tuning of Image Diffusion Models for Text-to-Video Generation"
    (ICCV 2023), section 4.2.
    """
    count = len(clip.latents)
    if count < 2:
        raise InputError(f"motion is learnt of two frames at least, not {count}")
    window = min(frames, count)

    def draw(rng: np.random.Generator) -> Batch:
        start = int(rng.integers(count - window + 1))
        batch = {"clean": clip.latents[start : start + window], "tokens": clip.tokens}
        return batch if clip.beside is None else {**batch, "beside": clip.beside[start : start + window]}

    torch.manual_seed(config.seed)
    painter = _Painter(inflate(unet, "tune-a-video").freeze_pictures().train())
    fit(painter, draw, _tuning_loss(scheduler), config)
    return painter.clips.eval()


def tune_on_video(
    video: Path,
    output: Path,
    config: LoopConfig,
    *,
    painter: str | Path,
    text: str,
    size: int = 512,
    device: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Tunes a hub's model of pictures on the first ten seconds or so of a video, for ``facediff style --tuned``.

    Args:
        video: Of one motion; its frames are seen whole.
        output: Folder to be made, of what was learnt alone.
        config: As in ``tune_painter``; its folder goes when all is done.
        painter: A Stable Diffusion's folder, or its name on a hub.
        text: What the video shows.
        size: Longer side, in pixels, at which it is seen.
        device: Where to run; the best there is by default.
        progress: Called with what is being done, how far it is and how far it goes.

    Raises:
        OutputError: The output is there already, cannot be written, or its work folder is of another tuning.
        MediaError: It is no video.
        WeightsError: There is no such painter.
        ConfigError: The painter is one of depth, or there is no text.
    """
    if output.exists():
        raise OutputError(f"{output} is there already; choose another name for what is learnt")
    if not text.strip():
        raise ConfigError("nothing is said about the video: give a text of what it shows")
    say = progress or (lambda what, done, total: None)
    settings = {"text": text, "size": size, "steps": config.steps, "learning_rate": config.learning_rate}
    whose = {"painter": str(painter), "video": video.name, "bytes": video.stat().st_size, "seed": config.seed}
    reader = VideoReader(video)
    claim_work(config.output, {**settings, **whose})
    opened = load_painter(painter, device=device, dtype=torch.float32)
    if opened.sees_structure:
        raise ConfigError(f"{painter} is a painter of depth, and those are not tuned here; take one of texts alone")
    fitted, latents = opened.fit_size((reader.info.width, reader.info.height), size), []
    for done, frame in enumerate(islice(reader, MOST_FRAMES), 1):
        latents.append(opened.encode(as_pictures([cv2.resize(frame, fitted, interpolation=cv2.INTER_AREA)])).cpu())
        say("reading the video", done, MOST_FRAMES)
    clip = TunedClip(torch.cat(latents), opened.encode_text(text).cpu())
    tuned = tune_painter(opened.unet, clip, opened.scheduler, config)
    with atomic_folder(output, "what is learnt") as partial:
        tuned.cpu().half().save_pretrained(partial)
    shutil.rmtree(config.output, ignore_errors=True)


def _tuning_loss(scheduler: SchedulerMixin) -> Loss:
    """The squared error of what the schedule has its denoisers predict, all frames at one noise level."""
    kind, levels = prediction_kind(scheduler), int(scheduler.config["num_train_timesteps"])

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        clean = batch["clean"]
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        # From the second level on: at α = 0 the noise says nothing about the sample, and a kind may ask for it.
        timestep = torch.randint(levels - 1, (), generator=generator, device=clean.device)
        alpha = alpha_at(scheduler, timestep).to(clean)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        error = (model(noisy, timestep, batch).float() - from_epsilon(noise, noisy, alpha, kind)).square().mean()
        return error, {}

    return loss
