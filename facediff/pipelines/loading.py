"""Pipelines of a model folder, ready to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, ModelMixin, UNet2DConditionModel, UNetMotionModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import is_peft_available
from safetensors import SafetensorError

from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.diffusion_autoencoder import FaceVector
from facediff.conditioning.fadm import FADMConditioner
from facediff.diffusion.schedulers import make_scheduler
from facediff.errors import ConfigError, MissingExtra, WeightsError
from facediff.models.attributes import AttributeClassifier
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.identity import IdentityEncoder
from facediff.models.motion import MotionDenoiser
from facediff.models.space_time import TemporalLayer, space_time_prior
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
from facediff.pipelines.domains import LORA_FILE, base_hash, domain_folder, read_card
from facediff.pipelines.fadm import FADMPipeline
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.pipelines.video_adapter import Mix
from facediff.system.device import choose_device, choose_dtype
from facediff.system.weights import model_folder


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
    with _explain_damage(model):
        denoiser = _load_network(MotionDenoiser, folders["motion"] / "denoiser", torch.float32)
        motion = MotionPipeline(denoiser, DDIMScheduler.from_pretrained(folders["motion"] / "scheduler"))
        painting = DiffTalkPipeline(
            codec=_load_network(FaceCodec, folders["codec"], dtype),
            unet=_load_network(UNet2DConditionModel, folders["difftalk"] / "unet", dtype),
            conditioner=_load_network(DiffTalkConditioner, folders["difftalk"] / "conditioner", dtype),
            scheduler=_load_scheduler(folders["difftalk"], scheduler),
        )
    painting.set_progress_bar_config(disable=True)
    return motion, painting.to(place)


def load_animate(model: str | Path = "base", device: str | None = None, scheduler: str | None = None) -> FADMPipeline:
    """The pipeline that refines a coarse animation; the arguments are those of ``load_talk``.

    Args:
        model: ``base``, or a folder with ``codec`` and ``fadm`` in it.
        device: See ``load_talk``.
        scheduler: See ``load_talk``.

    Raises:
        WeightsError, ConfigError: As ``load_talk``.
    """
    place = choose_device(device)
    dtype = choose_dtype(place)
    folders = {name: model_folder(model, name) for name in ("codec", "fadm")}
    with _explain_damage(model):
        refining = FADMPipeline(
            codec=_load_network(FaceCodec, folders["codec"], dtype),
            unet=_load_network(UNet2DConditionModel, folders["fadm"] / "unet", dtype),
            conditioner=_load_network(FADMConditioner, folders["fadm"] / "conditioner", dtype),
            scheduler=_load_scheduler(folders["fadm"], scheduler),
        )
    refining.set_progress_bar_config(disable=True)
    return refining.to(place)


def load_edit(
    model: str | Path, device: str | None = None
) -> tuple[DiffusionVideoAutoencoderPipeline, AttributeClassifier]:
    """The pipeline that encodes and decodes faces, and what reads attributes off their identities.

    Args:
        model: ``base``, or a folder with ``codec`` and ``edit`` in it.
        device: See ``load_talk``.

    Raises:
        WeightsError, ConfigError: As ``load_talk``.
    """
    place = choose_device(device)
    dtype = choose_dtype(place)
    codec, folder = (model_folder(model, name) for name in ("codec", "edit"))
    with _explain_damage(model):
        editing = DiffusionVideoAutoencoderPipeline(
            codec=_load_network(FaceCodec, codec, dtype),
            identity=_load_network(IdentityEncoder, folder / "identity", dtype),
            face=_load_network(FaceVector, folder / "face", dtype),
            unet=_load_network(DualModulationUNet, folder / "unet", dtype),
            scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        )
        classifier = _load_network(AttributeClassifier, folder / "attributes", torch.float32)
    editing.set_progress_bar_config(disable=True)
    return editing.to(place), classifier


def load_prior(model: str | Path, painting: DiffTalkPipeline) -> tuple[UNetMotionModel, CaptionEncoder]:
    """DiffTalk's denoiser as a prior of clips, with the words that it knows.

    Args:
        model: ``base``, or a folder with ``prior`` in it.
        painting: Of the same model.

    Raises:
        WeightsError: A part is missing or damaged.
    """
    folder = model_folder(model, "prior")
    dtype = painting.unet.dtype
    with _explain_damage(model):
        temporal = _load_network(TemporalLayer, folder / "temporal", dtype)
        words = _load_network(CaptionEncoder, folder / "captions", dtype)
    prior = space_time_prior(painting.unet, temporal).eval()
    return prior.to(painting.unet.device), words.to(painting.unet.device)


def load_domain_talk(
    model: str | Path,
    domain: str | Path,
    device: str | None = None,
    scheduler: str | None = None,
    prior: str | Path | None = None,
) -> tuple[MotionPipeline, DiffTalkPipeline]:
    """As ``load_talk``, with a domain model composed with a prior, or put into it where it is of low rank.

    Args:
        model: See ``load_talk``; the base that the domain was trained with.
        domain: A domain model in the package by name, or a folder.
        device: See ``load_talk``.
        scheduler: See ``load_talk``.
        prior: The model whose denoiser is the prior; ``model`` by default.

    Raises:
        WeightsError: As ``load_talk``, or the domain was trained for another model.
        ConfigError: As ``load_talk``, or the prior and the domain do not go together.
        MissingExtra: peft is not installed, and the domain model is of low rank.
    """
    card, folder = read_card(domain), domain_folder(domain)
    if card.base_sha256 != base_hash(model, card.method):
        raise WeightsError(
            f"the domain model {folder.name} was trained for another model than {model}, of other weights; "
            "give the --model that it was trained with, or adapt again"
        )
    motion, painting = load_talk(model, device, scheduler)
    if card.method == "lora":
        if not is_peft_available():
            raise MissingExtra("peft", "lora", f"the domain model {folder.name}")
        with _explain_damage(domain):
            painting.unet.load_lora_adapter(folder / "lora", weight_name=LORA_FILE, prefix=None)
        return motion, painting
    host = painting if prior is None else load_talk(prior, device, scheduler)[1]
    if prior is not None and base_hash(prior) != card.base_sha256:
        raise ConfigError(
            f"the domain model {folder.name} and the prior {prior} have other codecs or encoders; predictions add up "
            "only in one latent space: adapt to that prior, or leave it out"
        )
    dtype, place = painting.unet.dtype, painting.device
    with _explain_damage(domain):
        small = _load_network(UNetMotionModel, folder / "small", dtype).to(place)
        words = _load_network(CaptionEncoder, folder / "captions", dtype).to(place)
    clips, prior_words = load_prior(prior or model, host)
    mixed = AdaptedTalkPipeline(
        painting.codec, clips, painting.conditioner, painting.scheduler, small, words, prior_words
    )
    return motion, mixed.with_mix(Mix(strength=card.prior_strength))


@contextmanager
def _explain_damage(model: str | Path) -> Iterator[None]:
    """What libraries raise at a damaged model becomes a sentence."""
    try:
        yield
    except (ConfigError, WeightsError):
        raise
    except (OSError, ValueError, LookupError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"the model {model} cannot be loaded: {str(error).splitlines()[0]}") from error


def _load_scheduler(folder: Path, name: str | None) -> SchedulerMixin:
    trained = DDIMScheduler.from_pretrained(folder / "scheduler")
    return trained if name is None else make_scheduler(name, trained)


def _load_network(kind: type[ModelMixin], folder: Path, dtype: torch.dtype) -> Any:
    """The network in a folder, from safetensors alone (a pickle runs code), with every weight there."""
    network, report = kind.from_pretrained(
        folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
    )
    if wrong := [*report["missing_keys"], *report["unexpected_keys"]]:
        raise WeightsError(
            f"the weights in {folder} are not those of a {kind.__name__} of this version: {len(wrong)} are missing or "
            f"unknown, {wrong[0]} among them"
        )
    return network.eval().to(memory_format=torch.channels_last)
