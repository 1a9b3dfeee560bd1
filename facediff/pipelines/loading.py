"""Pipelines of a model folder, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, ModelMixin, UNet2DConditionModel

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.device import choose_device, choose_dtype
from facediff.diffusion.schedulers import make_scheduler
from facediff.errors import ConfigError, WeightsError
from facediff.models.codec import FaceCodec
from facediff.models.motion import MotionDenoiser
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.motion import MotionPipeline
from facediff.weights import model_folder


def load_talk(
    model: str | Path = "base", device: str | None = None, scheduler: str | None = None
) -> tuple[MotionPipeline, DiffTalkPipeline]:
    """The two pipelines that make a face speak.

    Args:
        model: ``base``, or a folder with ``codec``, ``motion`` and ``difftalk`` in it.
        device: Where to run; the best there is by default.
        scheduler: For the denoiser, by name; the one of training by default.

    Raises:
        WeightsError: A part is missing or damaged.
        ConfigError: There is no such device or scheduler.
    """
    place = choose_device(device)
    dtype = choose_dtype(place)
    folders = {name: model_folder(model, name) for name in ("codec", "motion", "difftalk")}
    try:
        denoiser = _loaded(MotionDenoiser, folders["motion"] / "denoiser", torch.float32)
        motion = MotionPipeline(denoiser.eval(), DDIMScheduler.from_pretrained(folders["motion"] / "scheduler"))
        trained = DDIMScheduler.from_pretrained(folders["difftalk"] / "scheduler")
        painting = DiffTalkPipeline(
            codec=_loaded(FaceCodec, folders["codec"], dtype),
            unet=_loaded(UNet2DConditionModel, folders["difftalk"] / "unet", dtype),
            conditioner=_loaded(DiffTalkConditioner, folders["difftalk"] / "conditioner", dtype),
            scheduler=trained if scheduler is None else make_scheduler(scheduler, trained),
        )
    except (ConfigError, WeightsError):
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the model {model} cannot be loaded: {str(error).splitlines()[0]}") from error
    for part in (painting.codec, painting.unet, painting.conditioner):
        part.eval().to(memory_format=torch.channels_last)
    painting.set_progress_bar_config(disable=True)
    return motion, painting.to(place)


def _loaded(kind: type[ModelMixin], folder: Path, dtype: torch.dtype) -> Any:
    """The network in a folder, from safetensors alone (a pickle runs code), with every weight there."""
    network, report = kind.from_pretrained(
        folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
    )
    if wrong := [*report["missing_keys"], *report["unexpected_keys"]]:
        raise WeightsError(
            f"the weights in {folder} are not those of a {kind.__name__} of this version: {len(wrong)} are missing or "
            f"unknown, {wrong[0]} among them"
        )
    return network
