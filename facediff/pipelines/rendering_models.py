"""Models for who only renders, without diffusers, whose import takes longer than all else before the first frame.

Networks, noise levels and samplers do what those of ``facediff.pipelines.loading`` do, in float32 to the bit. What they
are not made for, another scheduler or a denoiser of another kind, is left to it: the functions here then give None.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from facediff.audio.encoder import AudioEncoder, load_encoder
from facediff.conditioning.difftalk import DiffTalkConditionerNetwork
from facediff.conditioning.fadm import FADMConditionerNetwork
from facediff.diffusion.ddim import DDIM, read_ddim
from facediff.models.checkpoints import N, explain_damage, open_network
from facediff.models.codec import FaceCodecNetwork
from facediff.models.masked_motion import MaskedMotionDenoiserNetwork
from facediff.models.motion import MotionDenoiserNetwork
from facediff.models.mouth_refiner import MouthRefinerNetwork
from facediff.models.unet import DenoiserUNet
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.pipelines.fadm import FADMSampler
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.serving import serve_painter
from facediff.pipelines.speech_motion import MotionSampler
from facediff.system.device import choose_device, choose_dtype
from facediff.system.weights import find_model_with, model_folder


def open_talk(
    model: str | Path = "base", device: str | None = None, scheduler: str | None = None
) -> tuple[MotionSampler, DiffTalkSampler] | None:
    """What makes motion and what paints mouths; None where ``loading.load_talk`` has to.

    Args:
        model: ``base``, or a folder with ``codec``, ``motion`` and ``difftalk`` in it.
        device: Where to run; the best there is by default.
        scheduler: For the denoiser, by name; the one of training by default.

    Raises:
        WeightsError: A part is missing or damaged.
        ConfigError: There is no such device or back end.
    """
    levels = None if scheduler is not None else _read_levels(model, "difftalk")
    motion = open_motion(model, device)
    if levels is None or motion is None or not _fits(model, "difftalk"):
        return None
    parts = _open_painter(model, device, "difftalk", conditioner=DiffTalkConditionerNetwork)
    painting = DiffTalkSampler(*parts, levels)
    serve_painter(painting, _folders(model, "difftalk"))
    return motion, painting


def open_refiner(
    model: str | Path = "base", device: str | None = None, scheduler: str | None = None
) -> FADMSampler | None:
    """What refines faces; None where ``loading.load_animate`` has to. See ``open_talk``."""
    levels = None if scheduler is not None else _read_levels(model, "fadm")
    if levels is None or not _fits(model, "fadm"):
        return None
    codec, unet, conditioner = _open_painter(model, device, "fadm", conditioner=FADMConditionerNetwork)
    refining = FADMSampler(unet, conditioner, levels, codec)
    serve_painter(refining, _folders(model, "fadm"))
    return refining


def open_motion(model: str | Path = "base", device: str | None = None) -> MotionSampler | None:
    """What makes motion of speech, with the encoder that it hears by; None where ``loading.load_motion`` has to.

    Raises:
        WeightsError: A part is missing or damaged.
    """
    levels = _read_levels(model, "motion")
    denoiser = open_network(MotionDenoiserNetwork, model, "motion/denoiser")
    encoder = load_encoder(denoiser.config["audio_encoder"], tokens=denoiser.config["audio_tokens"], device=device)
    filler = open_filler(model, encoder)
    return None if levels is None or filler is None else MotionSampler(denoiser, levels, encoder, filler)


def open_filler(model: str | Path = "base", encoder: AudioEncoder | None = None) -> MotionFiller | None:
    """What fills in motions; None where ``loading.load_filler`` has to, whose arguments and errors are these."""
    model = find_model_with(model, "filling")
    levels = _read_levels(model, "filling")
    denoiser = open_network(MaskedMotionDenoiserNetwork, model, "filling/denoiser")
    fits = encoder is not None and encoder.dim * encoder.tokens == denoiser.config["speech_dim"]
    return None if levels is None else MotionFiller(denoiser, levels, encoder if fits else None)


def open_mouth_refiner(model: str | Path, device: str | None = None) -> MouthRefinerNetwork:
    """What refines mouths; that of the embedded model where a folder was trained without one.

    Raises:
        WeightsError: There is no such model, or its files are damaged.
        ConfigError: There is no such device.
    """
    place = choose_device(device)
    return _open(MouthRefinerNetwork, find_model_with(model, "mouth"), "mouth", choose_dtype(place)).to(place)


def _open_painter(
    model: str | Path, device: str | None, component: str, *, conditioner: type[N]
) -> tuple[FaceCodecNetwork, DenoiserUNet, N]:
    """The networks of a component, where they are to run and as precise as that place allows."""
    place = choose_device(device)
    dtype = choose_dtype(place)
    return (
        _open(FaceCodecNetwork, model, "codec", dtype).to(place),
        _open(DenoiserUNet, model, f"{component}/unet", dtype).to(place),
        _open(conditioner, model, f"{component}/conditioner", dtype).to(place),
    )


def _open(kind: type[N], model: str | Path, part: str, dtype: torch.dtype) -> N:
    opened = open_network(kind, model, part, dtype)
    return opened.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fits(model: str | Path, component: str) -> bool:
    """Whether a component's denoiser is of the kind that is opened here."""
    folder = model_folder(model, component) / "unet"
    with explain_damage(model):
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return told.get("_class_name") == DenoiserUNet.architecture and DenoiserUNet.fits(told)


def _read_levels(model: str | Path, component: str) -> DDIM | None:
    folder = model_folder(model, component)
    with explain_damage(model):
        return read_ddim(folder / "scheduler")


def _folders(model: str | Path, component: str) -> dict[str, Path]:
    return {"codec": model_folder(model, "codec"), "unet": model_folder(model, component) / "unet"}
