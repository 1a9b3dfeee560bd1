"""Pipelines of a model folder, ready to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import diffusers
import torch
from diffusers import (
    DiffusionPipeline,
    ModelMixin,
    UNet2DConditionModel,
    UNet3DConditionModel,
    UNetMotionModel,
    WanTransformer3DModel,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import is_peft_available

from facediff.audio.encoder import AudioEncoder, load_encoder
from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.diffusion_autoencoder import FaceVector
from facediff.conditioning.fadm import FADMConditioner
from facediff.diffusion.schedulers import make_scheduler
from facediff.errors import ConfigError, MissingExtra, WeightsError
from facediff.models.attributes import AttributeClassifier
from facediff.models.checkpoints import explain_damage, load_network, open_network, open_schedule
from facediff.models.clip_codec import ClipCodec
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.identity import IdentityEncoder
from facediff.models.inflation import InflatedUNet
from facediff.models.masked_motion import MaskedMotionDenoiser
from facediff.models.motion import MotionDenoiser
from facediff.models.mouth_refiner import MouthRefiner
from facediff.models.space_time import TemporalLayer, space_time_prior
from facediff.models.super_resolver import SuperResolver
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
from facediff.pipelines.domains import LORA_FILE, ONE_SHOT, TEMPORAL, base_hash, domain_folder, read_card
from facediff.pipelines.fadm import FADMPipeline
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.pipelines.video_adapter import Mix
from facediff.pipelines.video_denoisers import VideoDenoiser
from facediff.system.device import choose_device, choose_dtype
from facediff.system.weights import EMBEDDED, find_model_with, model_folder

PRIORS: Mapping[str, type[ModelMixin]] = {
    kind.__name__: kind for kind in (UNetMotionModel, UNet3DConditionModel, WanTransformer3DModel)
}
Pipeline = TypeVar("Pipeline", bound=DiffusionPipeline)
TALK: Mapping[str, tuple[type[ModelMixin], str]] = {
    "codec": (FaceCodec, "codec"),
    "unet": (UNet2DConditionModel, "difftalk/unet"),
    "conditioner": (DiffTalkConditioner, "difftalk/conditioner"),
}
ANIMATE: Mapping[str, tuple[type[ModelMixin], str]] = {
    "codec": (FaceCodec, "codec"),
    "unet": (UNet2DConditionModel, "fadm/unet"),
    "conditioner": (FADMConditioner, "fadm/conditioner"),
}
EDIT: Mapping[str, tuple[type[ModelMixin], str]] = {
    "codec": (FaceCodec, "codec"),
    "identity": (IdentityEncoder, "edit/identity"),
    "face": (FaceVector, "edit/face"),
    "unet": (DualModulationUNet, "edit/unet"),
}


def open_pipeline(
    kind: type[Pipeline],
    networks: Mapping[str, tuple[type[ModelMixin], str]],
    component: str,
    model: str | Path,
    device: str | None = None,
    scheduler: str | None = None,
) -> Pipeline:
    """A pipeline of a model, where it is to run and as precise as that place allows.

    Args:
        kind: Its class.
        networks: By the name of its argument, the class of each network and its folder in the model.
        component: Whose noise levels.
        model: ``base``, or a folder laid out like it.
        device: Where to run; the best there is by default.
        scheduler: By name; the one of training by default.

    Raises:
        WeightsError: A part is missing or damaged.
        ConfigError: There is no such device or scheduler.
    """
    place = choose_device(device)
    dtype = choose_dtype(place)
    trained = open_schedule(model, component)
    stepped = trained if scheduler is None else make_scheduler(scheduler, trained)
    opened = kind(
        **{name: _open(network, model, part, dtype) for name, (network, part) in networks.items()}, scheduler=stepped
    )
    opened.set_progress_bar_config(disable=True)
    return opened.to(place)


def _open(kind: type[ModelMixin], model: str | Path, part: str, dtype: torch.dtype) -> ModelMixin:
    return open_network(kind, model, part, dtype).to(memory_format=torch.channels_last)


def load_talk(
    model: str | Path = "base", device: str | None = None, scheduler: str | None = None, *, is_served: bool = False
) -> tuple[MotionPipeline, DiffTalkPipeline]:
    """The two pipelines that make a face speak.

    Args:
        model: ``base``, or a folder with ``codec``, ``motion`` and ``difftalk`` in it.
        device: Where to run; the best there is by default.
        scheduler: For the denoiser, by name; the one of training by default.
        is_served: Whether a back end may run the networks that paint, where there is one: for who only renders. Their
            weights are then not to be changed.

    Raises:
        WeightsError: A part is missing or damaged.
        ConfigError: There is no such device, scheduler or back end.
    """
    painting = open_pipeline(DiffTalkPipeline, TALK, "difftalk", model, device, scheduler)
    if is_served:
        _serve(painting, TALK, model)
    return load_motion(model, device), painting


def _serve(
    pipeline: DiffusionPipeline, networks: Mapping[str, tuple[type[ModelMixin], str]], model: str | Path
) -> None:
    """Has a back end run the networks that paint; a part of a model is a folder of a component."""
    from facediff.pipelines.serving import serve_painter

    folders = {}
    for name in ("codec", "unet"):
        component, *inner = networks[name][1].split("/")
        folders[name] = model_folder(model, component).joinpath(*inner)
    serve_painter(pipeline, folders)


def load_motion(model: str | Path = "base", device: str | None = None) -> MotionPipeline:
    """The pipeline from speech to motion, with the audio encoder that it was trained with.

    Args:
        model: ``base``, or a folder with ``motion`` in it.
        device: Where the encoder hears; the best there is by default. The motion itself takes next to nothing.

    Raises:
        WeightsError: A part is missing or damaged.
    """
    denoiser = _open(MotionDenoiser, model, "motion/denoiser", torch.float32)
    encoder = load_encoder(denoiser.config["audio_encoder"], tokens=denoiser.config["audio_tokens"], device=device)
    return MotionPipeline(denoiser, open_schedule(model, "motion"), encoder, load_filler(model, encoder))


def load_filler(model: str | Path = "base", encoder: AudioEncoder | None = None) -> MotionFiller:
    """What fills in motions: that of a model, or, where it has none, the embedded one.

    Args:
        model: ``base``, or a folder, perhaps with ``filling`` in it.
        encoder: What it is to hear with; None where it hears nothing, and where the encoder is not that of its
            training.

    Raises:
        WeightsError: It is damaged.
    """
    try:
        model_folder(model, "filling")
    except WeightsError:
        model = "base"
    denoiser = _open(MaskedMotionDenoiser, model, "filling/denoiser", torch.float32)
    fits = encoder is not None and encoder.dim * encoder.tokens == denoiser.config["speech_dim"]
    return MotionFiller(denoiser, open_schedule(model, "filling"), encoder if fits else None)


def load_animate(
    model: str | Path = "base", device: str | None = None, scheduler: str | None = None, *, is_served: bool = False
) -> FADMPipeline:
    """The pipeline that refines a coarse animation; the arguments are those of ``load_talk``.

    Args:
        model: ``base``, or a folder with ``codec`` and ``fadm`` in it.
        device: See ``load_talk``.
        scheduler: See ``load_talk``.
        is_served: See ``load_talk``.

    Raises:
        WeightsError, ConfigError: As ``load_talk``.
    """
    refining = open_pipeline(FADMPipeline, ANIMATE, "fadm", model, device, scheduler)
    if is_served:
        _serve(refining, ANIMATE, model)
    return refining


def load_mouth_refiner(model: str | Path = EMBEDDED, device: str | None = None) -> MouthRefiner:
    """What refines mouths; that of the embedded model where a folder was trained without one.

    Raises:
        WeightsError: There is no such model, or its files are damaged.
        ConfigError: There is no such device.
    """
    return _open_or_embedded(MouthRefiner, model, "mouth", device)


def load_super_resolver(model: str | Path = EMBEDDED, device: str | None = None) -> SuperResolver:
    """What makes pictures twice as large; arguments and errors are those of ``load_mouth_refiner``."""
    return _open_or_embedded(SuperResolver, model, "super_resolution", device)


def _open_or_embedded(kind: type[ModelMixin], model: str | Path, part: str, device: str | None) -> ModelMixin:
    """A network of a model, or the embedded one where it was trained without."""
    place = choose_device(device)
    return _open(kind, find_model_with(model, part), part, choose_dtype(place)).to(place)


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
    editing = open_pipeline(DiffusionVideoAutoencoderPipeline, EDIT, "edit", model, device)
    return editing, open_network(AttributeClassifier, model, "edit/attributes")


def _put_time(painting: DiffTalkPipeline, model: str | Path, folder: Path) -> None:
    """Puts what learnt time (``facediff train video``, ``decoder``, ``adapt``) in the place of what knows pictures."""
    if (folder / TEMPORAL).is_dir():
        pictures = open_network(UNet2DConditionModel, model, "difftalk/unet")
        clips = InflatedUNet.from_pretrained(folder / TEMPORAL, pictures).to(painting.unet.conv_in.weight)
        clips.base.to(memory_format=torch.channels_last)  # convolutions along time have another rank
        painting.register_modules(unet=clips)
    if (folder / "codec").is_dir():
        with explain_damage(folder):
            codec = load_network(ClipCodec, folder / "codec", painting.codec.dtype).to(painting.codec.device)
        for part in (codec.encoder, codec.decoder):
            part.to(memory_format=torch.channels_last)
        painting.register_modules(codec=codec)


def load_prior(model: str | Path, painting: DiffTalkPipeline) -> tuple[VideoDenoiser, CaptionEncoder]:
    """The prior of clips of a model, with the words that it knows.

    That is DiffTalk's denoiser with the temporal layer in ``prior/temporal``; or, where there is a ``prior/unet``, a
    network of clips of any class of ``PRIORS``, trained on the same latents, maps and tokens.

    Args:
        model: ``base``, or a folder with ``prior`` in it.
        painting: Of the same model.

    Raises:
        WeightsError: A part is missing or damaged.
        ConfigError: The network takes other latents, maps or tokens than mouths have.
    """
    dtype, place = painting.unet.dtype, painting.unet.device
    folder = model_folder(model, "prior")
    if (folder / "captions").is_dir():
        words = open_network(CaptionEncoder, model, "prior/captions", dtype)
    else:
        words = CaptionEncoder(()).to(painting.unet.conv_in.weight)
    if (folder / "unet" / "config.json").is_file():
        return _open_clips(folder / "unet", painting).to(place), words.to(place)
    temporal = open_network(TemporalLayer, model, "prior/temporal", dtype)
    return space_time_prior(painting.unet, temporal).eval().to(place), words.to(place)


def _open_clips(folder: Path, painting: DiffTalkPipeline) -> VideoDenoiser:
    """A network of clips by the class that its config names."""
    with explain_damage(folder):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = PRIORS.get(str(config.get("_class_name")))
        if kind is None:
            raise ConfigError(f"a prior in {folder} is one of {', '.join(PRIORS)}, not {config.get('_class_name')!r}")
        network = load_network(kind, folder, painting.unet.dtype)
    latents, tokens = painting.unet.config["out_channels"], painting.unet.config["cross_attention_dim"]
    wanted = painting.unet.config["in_channels"], latents, tokens
    got = tuple(network.config.get(name) for name in ("in_channels", "out_channels"))
    got += (network.config.get("text_dim") or network.config.get("cross_attention_dim"),)
    if got != wanted:
        told = ["{} channels in, {} out and tokens of {}".format(*numbers) for numbers in (got, wanted)]
        raise ConfigError(f"the prior in {folder} has {told[0]}, and mouths {told[1]}; give one trained on them")
    return network


def load_prior_schedule(model: str | Path) -> SchedulerMixin | None:
    """The noise levels of a prior's training; None where they are DiffTalk's.

    Raises:
        WeightsError: They are damaged.
    """
    folder = model_folder(model, "prior") / "scheduler"
    if not folder.is_dir():
        return None
    with explain_damage(model):
        config = json.loads((folder / "scheduler_config.json").read_text(encoding="utf-8"))
        return getattr(diffusers, str(config["_class_name"])).from_config(config)


def load_domain_talk(
    model: str | Path,
    domain: str | Path,
    device: str | None = None,
    scheduler: str | None = None,
    prior: str | Path | None = None,
) -> tuple[MotionPipeline, DiffTalkPipeline]:
    """As ``load_talk``, with a domain model composed with a prior, or put into it where it is of low rank or temporal.

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
            "give the model that it was trained with, or adapt again"
        )
    motion, painting = load_talk(model, device, scheduler)
    if card.method in (TEMPORAL, ONE_SHOT):
        _put_time(painting, model, folder)
        return motion, painting
    if card.method == "lora":
        if not is_peft_available():
            raise MissingExtra("peft", "lora", f"the domain model {folder.name}")
        with explain_damage(domain):
            painting.unet.load_lora_adapter(folder / "lora", weight_name=LORA_FILE, prefix=None)
        return motion, painting
    host = painting if prior is None else load_talk(prior, device, scheduler)[1]
    if prior is not None and base_hash(prior) != card.base_sha256:
        raise ConfigError(
            f"the domain model {folder.name} and the prior {prior} have other codecs or encoders; predictions add up "
            "only in one latent space: adapt to that prior, or leave it out"
        )
    dtype, place = painting.unet.dtype, painting.device
    with explain_damage(domain):
        small = load_network(UNetMotionModel, folder / "small", dtype).to(place, memory_format=torch.channels_last)
        words = load_network(CaptionEncoder, folder / "captions", dtype).to(place)
    clips, prior_words = load_prior(prior or model, host)
    mixed = AdaptedTalkPipeline(
        painting.codec, clips, painting.conditioner, painting.scheduler, small, words, prior_words,
        load_prior_schedule(prior or model),
    )  # fmt: skip
    return motion, mixed.with_mix(Mix(strength=card.prior_strength))
