"""How a clip was made, kept in the file's own metadata: enough to make it again, and nothing about where files lay."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from facediff.errors import ConfigError, MediaError
from facediff.provenance.ingredients import Ingredient

SYNTHETIC_PARTS = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
MAX_BYTES = 32_000  # QuickTime counts a text's length in 16 bits
MAX_CONSENT = 4_000  # characters

_KEY, _SCHEMA = "facediff_record", 1
AIGC = "AIGC"  # China's label, under the name that GB 45438-2025 gives it
TAG = "comment"  # what mp4 and mkv both keep, and what copies by FFmpeg keep too
_LIBRARIES = ("facediff", "torch", "diffusers", "mediapipe", "numpy", "av")
_SCALARS = (str, int, float, bool, type(None))

Scalar = str | int | float | bool | None


@lru_cache(maxsize=1)
def library_versions() -> dict[str, str]:
    """Versions of facediff and of the libraries that shape its frames."""
    found = {}
    for library in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):  # facediff itself, where it is only on the path
            found[library] = version(library)
    return found


def check_consent(consent: str | None) -> None:
    """Refuses a text that is too long for a file.

    Raises:
        ConfigError: It is.
    """
    if consent is not None and len(consent) > MAX_CONSENT:
        raise ConfigError(
            f"a consent of {len(consent)} characters is too long to be kept in a file; {MAX_CONSENT} are taken: refer "
            "to the document instead"
        )


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
    versions: Mapping[str, str] = field(default_factory=library_versions)

    def __post_init__(self) -> None:
        """Refuses what could not be kept.

        Raises:
            ConfigError: The consent is too long, or an option is no scalar.
        """
        check_consent(self.consent)
        odd = [name for name, value in self.options.items() if not isinstance(value, _SCALARS)]
        if odd:
            raise ConfigError(f"options of a record are texts, numbers, yes or no; {', '.join(odd)} is something else")

    def to_json(self) -> str:
        """The record as JSON in ASCII; ``from_json`` reads it."""
        return json.dumps({_KEY: _SCHEMA, **self.as_dict()}, separators=(",", ":"))

    def as_dict(self) -> dict[str, Any]:
        """What is kept of it: all but the manifests of its inputs, which have a place of their own."""
        inputs = [{"role": part.role, "name": part.name, "sha256": part.sha256} for part in self.inputs]
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**kept, "inputs": inputs, "options": dict(self.options), "versions": dict(self.versions)}

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
                Ingredient(str(part["role"]), str(part["name"]), str(part["sha256"])) for part in content["inputs"]
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
        return {TAG: text}


def record_in(text: str | None) -> Record | None:
    """The record in a text; None if it is another text.

    Raises:
        MediaError: It is damaged.
    """
    return Record.from_json(text) if text and text.startswith(f'{{"{_KEY}":') else None
