"""How a clip was made, kept in the file's own metadata: enough to make it again, and nothing about where files lay."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facediff.containers import open_container
from facediff.errors import ConfigError, MediaError, WeightsError
from facediff.weights import CHECKPOINTS, model_folder

SYNTHETIC_PARTS = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
MAX_BYTES = 32_000  # QuickTime counts a text's length in 16 bits
MAX_CONSENT = 4_000  # characters

_KEY, _SCHEMA = "facediff_record", 1
_TAG = "comment"  # what mp4 and mkv both keep, and what copies by FFmpeg keep too
_LIBRARIES = ("facediff", "torch", "diffusers", "mediapipe", "numpy", "av")
_SCALARS = (str, int, float, bool, type(None))

Scalar = str | int | float | bool | None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):  # facediff itself, where it is only on the path
            found[library] = version(library)
    return found


@dataclass(frozen=True)
class Ingredient:
    """One thing that a clip was made from.

    Attributes:
        role: What it was: ``source``, ``speech``, ``driving``.
        name: The file's name without its folder, or what it is where it never was a file.
        sha256: Of the file's bytes, or of the samples and their shape; hexadecimal.
    """

    role: str
    name: str
    sha256: str

    @classmethod
    def of_file(cls, role: str, path: str | Path) -> Ingredient:
        """An ingredient that is a file, or a folder of frames, whose hash is that of its files' names and hashes.

        Raises:
            MediaError: It cannot be read.
        """
        path = Path(path)
        try:
            if path.is_dir():
                parts = [f"{file.name} {_sha256(file)}\n" for file in sorted(path.iterdir()) if file.is_file()]
                return cls(role, path.name, hashlib.sha256(os.fsencode("".join(parts))).hexdigest())
            return cls(role, path.name, _sha256(path))
        except OSError as error:
            raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error

    @classmethod
    def of_array(cls, role: str, samples: NDArray[np.generic]) -> Ingredient:
        """An ingredient that was handed over in memory: a picture, a wave."""
        digest = hashlib.sha256(f"{samples.dtype.str}{samples.shape}".encode())
        digest.update(np.ascontiguousarray(samples).data)
        return cls(role, "array", digest.hexdigest())


@dataclass(frozen=True)
class Record:
    """How a clip was made.

    Attributes:
        task: The command: ``talk``, ``animate``.
        inputs: What it was made from, in the order in which the command takes them.
        options: What was chosen, by the names of the Python arguments; scalars only.
        seed: Of the random numbers.
        model: Name of the model, or of its folder.
        weights_sha256: Of its files, see ``weights_hash``.
        is_watermarked: Whether the frames carry the watermark.
        consent: What the person shown agreed to, in words; None where nobody wrote it down.
        digital_source_type: IPTC's term for where the content comes from.
        versions: Of facediff and of the libraries that shape its frames.
    """

    task: str
    inputs: tuple[Ingredient, ...]
    options: Mapping[str, Scalar]
    seed: int
    model: str
    weights_sha256: str
    is_watermarked: bool = True
    consent: str | None = None
    digital_source_type: str = SYNTHETIC_PARTS
    versions: Mapping[str, str] = field(default_factory=_versions)

    def __post_init__(self) -> None:
        """Refuses what could not be kept.

        Raises:
            ConfigError: The consent is too long, or an option is no scalar.
        """
        if len(self.consent or "") > MAX_CONSENT:
            raise ConfigError(
                f"a consent of {len(self.consent or '')} characters is too long to be kept in a file; "
                f"{MAX_CONSENT} are taken: refer to the document instead"
            )
        odd = [name for name, value in self.options.items() if not isinstance(value, _SCALARS)]
        if odd:
            raise ConfigError(f"options of a record are texts, numbers, yes or no; {', '.join(odd)} is something else")

    def to_json(self) -> str:
        """The record as JSON in ASCII; ``from_json`` reads it."""
        return json.dumps({_KEY: _SCHEMA, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record that ``to_json`` wrote.

        Raises:
            MediaError: It is no record, is damaged, or was written by a later facediff.
        """
        if len(text) > MAX_BYTES:
            raise MediaError(f"the record of how the clip was made takes {len(text)} characters; {MAX_BYTES} are read")
        try:
            content = json.loads(text)
            schema = content.pop(_KEY)
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise MediaError("this text is not a record of how a clip was made") from error
        if schema != _SCHEMA:
            raise MediaError(f"the record is of version {schema!r}, and {_SCHEMA} is known: use a later facediff")
        try:
            inputs = tuple(
                Ingredient(*(str(part[k]) for k in ("role", "name", "sha256"))) for part in content["inputs"]
            )
            consent = content["consent"]
            return cls(
                task=str(content["task"]),
                inputs=inputs,
                options=dict(content["options"]),
                seed=int(content["seed"]),
                model=str(content["model"]),
                weights_sha256=str(content["weights_sha256"]),
                is_watermarked=bool(content["is_watermarked"]),
                consent=None if consent is None else str(consent),
                digital_source_type=str(content["digital_source_type"]),
                versions={str(name): str(value) for name, value in content["versions"].items()},
            )
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MediaError("the record of how the clip was made is damaged") from error

    def as_metadata(self) -> dict[str, str]:
        """What goes into a container's metadata.

        Raises:
            ConfigError: It is too much.
        """
        text = self.to_json()
        if len(text) > MAX_BYTES:
            raise ConfigError(
                f"the record takes {len(text)} bytes, and {MAX_BYTES} fit into a file: shorten the consent"
            )
        return {_TAG: text}


def read_record(path: str | Path) -> Record | None:
    """The record in a video file; None if there is none.

    Raises:
        MediaError: There is no such file, it is no video, or its record is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no video at {path}")
    try:
        with open_container(path) as container:
            tags = {name.lower(): value for name, value in container.metadata.items()}  # Matroska's are in capitals
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as a video: it is corrupt, empty or of an unknown kind") from error
    text = tags.get(_TAG, "")
    return Record.from_json(text) if text.startswith(f'{{"{_KEY}":') else None


@lru_cache(maxsize=4)
def weights_hash(model: str | Path) -> str:
    """SHA-256 of a model's weights: of the names and hashes of its safetensors files, in order; hexadecimal.

    Args:
        model: ``base``, the embedded model, or a folder laid out like it.

    Raises:
        WeightsError: There is no such model.
    """
    root = model_folder(model, "difftalk").parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.safetensors")):
        try:
            content = _sha256(file)
        except OSError as error:
            raise WeightsError(f"{file} cannot be read: {error.strerror or error}") from error
        digest.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def model_name(model: str | Path) -> str:
    """What a record calls a model: an embedded one's name, or a folder's, without where it lies."""
    is_embedded = (CHECKPOINTS / str(model)).is_dir() and str(model).isidentifier()
    return str(model) if is_embedded else Path(model).resolve().name
