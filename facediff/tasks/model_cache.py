"""Models, loaded at their first use and shared by all avatars, whatever thread asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from facediff.audio.encoder import AudioEncoder, load_encoder
from facediff.errors import ConfigError

if TYPE_CHECKING:
    from facediff.models.attributes import AttributeClassifier
    from facediff.models.mouth_refiner import MouthRefinerNetwork
    from facediff.models.prototypes import Prototypes
    from facediff.models.super_resolver import SuperResolver
    from facediff.pipelines.difftalk import DiffTalkSampler
    from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
    from facediff.pipelines.fadm import FADMSampler
    from facediff.pipelines.motion_filling import MotionFiller
    from facediff.pipelines.speech_motion import MotionSampler
    from facediff.pipelines.text_editor import TextEditor

T = TypeVar("T")
_LOADING = Lock()  # two threads that come first would each load the models


def _once(load: Callable[..., T]) -> Callable[..., T]:
    """Keeps what was loaded for the last four sets of arguments."""
    cached = lru_cache(maxsize=4)(load)

    @wraps(load)
    def locked(*arguments: object) -> T:
        with _LOADING:
            return cached(*arguments)

    locked.cache_clear = cached.cache_clear  # type: ignore[attr-defined]
    return locked


@_once
def load_talk(model: str, device: str | None, scheduler: str | None) -> tuple[MotionSampler, DiffTalkSampler]:
    """What makes motion and what paints mouths, of a model."""
    from facediff.pipelines import rendering_models

    opened = rendering_models.open_talk(model, device, scheduler)
    if opened is not None:
        return opened
    from facediff.pipelines import loading

    return loading.load_talk(model, device, scheduler, is_served=True)


@_once
def load_filler(model: str) -> MotionFiller:
    """What fills in motions of somebody who says nothing."""
    from facediff.pipelines import rendering_models

    opened = rendering_models.open_filler(model)
    if opened is not None:
        return opened
    from facediff.pipelines import loading

    return loading.load_filler(model)


@_once
def load_adapted_talk(
    model: str, domain: str, domain_sha256: str, prior: str | None, device: str | None, scheduler: str | None
) -> tuple[MotionSampler, DiffTalkSampler]:
    """As ``load_talk``, with a domain model; its hash tells it from one that lay in its place before."""
    from facediff.pipelines.loading import load_domain_talk

    return load_domain_talk(model, domain, device, scheduler, prior)


@_once
def load_refiner(model: str, device: str | None, scheduler: str | None) -> FADMSampler:
    """What refines faces, of a model."""
    from facediff.pipelines import rendering_models

    opened = rendering_models.open_refiner(model, device, scheduler)
    if opened is not None:
        return opened
    from facediff.pipelines import loading

    return loading.load_animate(model, device, scheduler, is_served=True)


@_once
def load_mouth_refiner(model: str, device: str | None) -> MouthRefinerNetwork:
    """What refines mouths, of a model."""
    from facediff.pipelines import rendering_models

    return rendering_models.open_mouth_refiner(model, device)


@_once
def load_super_resolver(model: str, device: str | None) -> SuperResolver:
    """What makes pictures larger, of a model."""
    from facediff.pipelines import loading

    return loading.load_super_resolver(model, device)


@_once
def load_autoencoder(model: str, device: str | None) -> tuple[DiffusionVideoAutoencoderPipeline, AttributeClassifier]:
    """The autoencoder of a model and what reads attributes off its identities."""
    from facediff.pipelines.loading import load_edit

    return load_edit(model, device)


@_once
def load_prototypes(model: str) -> Prototypes:
    """What attributes do to the light of a face, of a model."""
    from facediff.models import prototypes
    from facediff.system.weights import model_folder

    return prototypes.load_prototypes(model_folder(model, "edit") / "prototypes")


@_once
def text_editor(name: str, device: str | None) -> TextEditor:
    """Edits by text with a CLIP model."""
    from facediff.pipelines.text_editor import TextEditor
    from facediff.system.device import choose_device

    return TextEditor.from_pretrained(name, choose_device(device))


@_once
def _hearing(name: str, tokens: int, device: str | None) -> AudioEncoder:
    return load_encoder(name, tokens=tokens, device=device)


def load_hearing(painting: DiffTalkSampler, name: str | None, device: str | None) -> AudioEncoder:
    """The audio encoder that a denoiser was trained with, or another one that fits it.

    Raises:
        ConfigError: It does not fit.
    """
    config = painting.conditioner.config
    own = config["audio_encoder"]
    encoder = _hearing(name or own, config["audio_columns"], device)
    if encoder.dim != config["feature_dim"]:
        raise ConfigError(
            f"the denoiser hears {config['feature_dim']} features of {own}, but {encoder.name} gives {encoder.dim}; "
            "leave audio_encoder out, or train a denoiser with it (facediff train difftalk)"
        )
    return encoder
