"""What a domain model is on disk: a folder with a card, and the weights that stand in front of a prior, or in it.

MODEL/domain.json             the card
MODEL/small, MODEL/captions   of the method ``small``: a denoiser of clips, and the words that it knows
MODEL/lora                    of the method ``lora``: low-rank changes of the base's own denoiser
MODEL/video, MODEL/codec      of the method ``video``: temporal layers in it, or in the codec's decoder
MODEL/video                   of the method ``one-shot``: temporal layers and queries, tuned on one clip
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from facediff.errors import WeightsError
from facediff.system.files import atomic_folder
from facediff.system.weights import CHECKPOINTS, model_folder

ONE_SHOT = "one-shot"
METHODS = ("small", "lora", ONE_SHOT)  # of ``facediff adapt``
TEMPORAL = "video"
LORA_FILE = "pytorch_lora_weights.safetensors"
_CARD = "domain.json"
_EMBEDDED = CHECKPOINTS / "base" / "domains"
_MAX_CARD_BYTES = 100_000


@dataclass(frozen=True, kw_only=True)
class DomainCard:
    """What is to be known about a domain model.

    Attributes:
        name: Of the domain.
        method: ``small``, ``lora``, ``one-shot`` or ``video``.
        base_sha256: Of the codec and the encoders that it was trained with; see ``base_hash``.
        prior_strength: The prior's share, from 0 to 1, that was best on footage held out of the training.
        clips: How many videos it was trained on; ``seconds`` of them.
        seconds: See ``clips``.
        steps: Of the training; ``minutes`` that it took.
        minutes: See ``steps``.
        figures: Measured on footage held out.
    """

    name: str
    method: str
    base_sha256: str
    prior_strength: float = 0.0
    clips: int = 0
    seconds: float = 0.0
    steps: int = 0
    minutes: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)


def embedded_domains() -> list[str]:
    """Names of the domain models in the package."""
    return sorted(path.parent.name for path in _EMBEDDED.glob(f"*/{_CARD}"))


def domain_folder(name_or_path: str | Path) -> Path:
    """The folder of a domain model: of one in the package by its name, or of any by its path.

    Raises:
        WeightsError: There is none.
    """
    if str(name_or_path) in embedded_domains():
        return _EMBEDDED / str(name_or_path)
    folder = Path(name_or_path)
    if not (folder / _CARD).is_file():
        known = ", ".join(embedded_domains())
        raise WeightsError(
            f"there is no domain model at {folder}; give a folder that 'facediff adapt' wrote, or one of: {known}"
        )
    return folder


def read_card(name_or_path: str | Path) -> DomainCard:
    """The card of a domain model.

    Raises:
        WeightsError: There is none, or it is damaged.
    """
    path = domain_folder(name_or_path) / _CARD
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError("it is too large")
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = {f.name for f in fields(DomainCard)}
        card = DomainCard(**{name: value for name, value in told.items() if name in names})
        if card.method not in (*METHODS, TEMPORAL):
            raise ValueError(f"there is no method {card.method!r}")
        if not 0 <= card.prior_strength <= 1:
            raise ValueError(f"a prior's strength of {card.prior_strength}")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path} is not the card of a domain model of this version: {error}") from error
    return card


@contextmanager
def write_domain(folder: Path, card: DomainCard) -> Iterator[Path]:
    """A hidden folder to write weights to; with the card in it, it takes the name at the end, and else it goes.

    Raises:
        OutputError: It is there already, or cannot be written.
    """
    with atomic_folder(folder, "the domain model") as partial:
        yield partial
        (partial / _CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")


def write_network_configs(folder: Path, vocabulary: Sequence[str]) -> None:
    """Writes the configs of the networks of the method ``small``, in front of the embedded model, into its folder.

    Args:
        folder: Of a domain model.
        vocabulary: The words that it knows.
    """
    from diffusers import UNet2DConditionModel

    from facediff.conditioning.captions import CaptionEncoder
    from facediff.models.space_time import small_space_time

    base = UNet2DConditionModel.load_config(model_folder("base", "difftalk") / "unet")
    latent = base["out_channels"]
    small_space_time(latent, base["in_channels"] - latent).save_config(folder / "small")
    CaptionEncoder(vocabulary).save_config(folder / "captions")


def base_hash(model: str | Path, method: str = "small") -> str:
    """SHA-256 of what a domain model must share with its base.

    That is the codec and the encoders of the denoiser; and the denoiser itself, where it is that which is changed.
    """
    digest = hashlib.sha256()
    denoiser = model_folder(model, "difftalk")
    changed = [denoiser / "unet"] if method in ("lora", TEMPORAL, ONE_SHOT) else []
    for folder in (model_folder(model, "codec"), denoiser / "conditioner", *changed):
        for file in sorted(folder.rglob("*.safetensors")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def domain_hash(name_or_path: str | Path) -> str:
    """SHA-256 of the weights of a domain model."""
    digest = hashlib.sha256()
    for file in sorted(domain_folder(name_or_path).rglob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
