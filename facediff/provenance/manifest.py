"""A C2PA manifest: a signed statement in the file that the clip is AI-made, and from what.

C2PA Technical Specification 2.x (c2pa.org). It holds one action, ``c2pa.created``, with IPTC's digital source type, and
the ingredients by name and hash, with their own manifests where they have any. Any change of the file afterwards breaks
it; leaving it out does not show. Whether the signer is whom it says depends on the certificate: see
``facediff.provenance.credentials``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import c2pa
from PIL import Image

from facediff.errors import ConfigError, MediaError, OutputError
from facediff.media.notices import warn_once
from facediff.provenance.credentials import CERT_VARIABLE, KEY_VARIABLE, OWN_ISSUER, Credentials
from facediff.provenance.ingredients import Ingredient
from facediff.provenance.record import SYNTHETIC_PARTS, Record
from facediff.system.files import as_text, atomic_write

# Neither is anything fetched, nor is a picture made of what it was made of.
OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}

PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}

_KINDS = {".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime", **PICTURES}
_STORE = b"jumdc2pa"  # with which a manifest store begins (specification, section 11.1.4)
_UNTRUSTED = "signingCredential.untrusted"
_MAX_TEXT, _MAX_PARTS = 200, 20  # of what strangers' manifests say


class ManifestState(str, Enum):
    """What became of a manifest."""

    absent = "absent"
    tampered = "tampered"  # the file or the manifest was changed after signing
    valid = "valid"  # unchanged, by a signer that nobody vouches for
    trusted = "trusted"  # unchanged, by a signer on the trust list


@dataclass(frozen=True)
class KeptManifest:
    """What the manifest of an input says, which is kept in that of the result.

    Attributes:
        name: Of the input.
        state: What became of it before the input was used.
        digital_source_type: IPTC's term for where the input comes from, if it says so.
        generator: Program and version that made the claim.
        signer: Whom the certificate names.
        problems: C2PA's codes for what was wrong, those about trust aside.
    """

    name: str
    state: ManifestState
    digital_source_type: str | None = None
    generator: str | None = None
    signer: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManifestReport:
    """What the C2PA manifest of a file says.

    Attributes:
        state: Whether there is one, and whether it holds.
        digital_source_type: IPTC's term for where the content comes from, if it says so.
        generator: Program and version that made the claim.
        signer: Whom the certificate names.
        ingredients: Names of what the clip was made from.
        problems: C2PA's codes for what is wrong, those about trust aside.
        time: When it was signed, by a time-stamp authority that nobody here vouches for; None without one.
        kept: The manifests that the ingredients have of their own.
    """

    state: ManifestState
    digital_source_type: str | None = None
    generator: str | None = None
    signer: str | None = None
    ingredients: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    time: str | None = None
    kept: tuple[KeptManifest, ...] = ()

    @property
    def meaning(self) -> str:
        """The state in plain words."""
        if self.state is ManifestState.absent:
            return "no C2PA manifest; it may have been removed, or the kind of file holds none"
        if self.state is ManifestState.tampered:
            return "the file or its C2PA manifest was changed after signing"
        if self.state is ManifestState.trusted:
            return f"unchanged since {self.signer} signed it"
        if self.signer == OWN_ISSUER:
            return (
                "unchanged since it was signed, with a self-signed certificate, which proves nothing about who made it"
            )
        return f"unchanged since it was signed in the name of {self.signer}, whose certificate is not vouched for here"


def sealer(record: Record, title: str, timestamp: str | None = None) -> Callable[[Path], None] | None:
    """What will sign a file when it is finished; what is not fit to sign it is refused now, before the work.

    Args:
        record: What the manifest says.
        title: The name that the file will have; None is returned where its kind holds no manifest, as mkv does.
        timestamp: Address of a time-stamp authority; it is asked now, for a trial, and when the file is signed.

    Raises:
        ConfigError: The certificate cannot be used, or the authority does not answer, or the file holds no manifest
            in which its answer could be kept.
    """
    if timestamp is not None:
        check_authority(timestamp, title)
    if Path(title).suffix.lower() not in _KINDS:
        return None
    credentials = Credentials.load()
    _try(credentials)
    record = _without_unfit(record, credentials)
    return lambda path: sign(path, record, credentials, title=as_text(title), timestamp=timestamp)


def check_authority(timestamp: str, title: str) -> None:
    """Has a time-stamp authority stamp one pixel, before any work for a file of a name.

    Raises:
        ConfigError: It gives no time stamp, the file holds no manifest to keep one in, or the certificate is unfit.
    """
    if Path(title).suffix.lower() not in _KINDS:
        raise ConfigError(f"timestamp is kept in a C2PA manifest, and {title} holds none: write an mp4 or a mov")
    credentials = Credentials.load()
    _try(credentials)
    _try_authority(credentials, timestamp)


def sign(path: Path, record: Record, credentials: Credentials, *, title: str, timestamp: str | None = None) -> None:
    """Puts a manifest into a finished file; the file is replaced by the signed one, or left as it was.

    Where an authority gives no time stamp any more, it is signed without one, with a warning: the work is not lost.

    Raises:
        OutputError: It cannot be signed, or not be written.
    """
    kind = _KINDS[path.suffix.lower()]
    try:
        with atomic_write(path) as signed, path.open("rb") as source, signed.open("w+b") as target:
            _embed(_claim(record, title, kind), credentials, kind, source, target, _manifests(record), timestamp)
    except (c2pa.C2paError, OSError) as error:
        if timestamp is None or isinstance(error, OSError):
            raise OutputError(f"{title} cannot be signed: {error}") from error
        sign(path, record, credentials, title=title)
        host = urlsplit(timestamp).hostname
        warn_once(
            f"{title} is signed without a time stamp: {host}, which gave one before, does not ({_reason(str(error))})"
        )


def _try(credentials: Credentials) -> None:
    """Signs one pixel.

    Raises:
        ConfigError: The certificate is not fit for C2PA.
    """
    try:
        _sign_pixel(credentials)
    except c2pa.C2paError as error:
        raise ConfigError(
            f"the certificate is not fit for C2PA ({error}): {CERT_VARIABLE} must name a signer's certificate for "
            f"e-mail protection or document signing, with its chain, and {KEY_VARIABLE} the key to it"
        ) from error


def _without_unfit(record: Record, credentials: Credentials) -> Record:
    """The record without manifests of inputs that would spoil the signature, which is told in a sentence.

    One is that of a file whose manifest was changed, beside a file that has it unchanged.
    """
    inputs: list[Ingredient] = []
    for part in record.inputs:
        inputs.append(part)
        if part.manifest is None:
            continue
        trial = replace(record, inputs=tuple(inputs))
        try:
            _sign_pixel(credentials, claim=_claim(trial, "trial.png", "image/png"), manifests=_manifests(trial))
        except c2pa.C2paError as error:
            warn_once(
                f"the C2PA manifest of {part.name} cannot be kept beside the others: {str(error).splitlines()[-1]}"
            )
            inputs[-1] = replace(part, manifest=None)
    return replace(record, inputs=tuple(inputs))


def _manifests(record: Record) -> list[bytes]:
    return [part.manifest for part in record.inputs if part.manifest is not None]


def _try_authority(credentials: Credentials, timestamp: str) -> None:
    """Has one pixel stamped.

    Raises:
        ConfigError: There is no authority, or it does not answer as one.
    """
    try:
        _sign_pixel(credentials, timestamp)
    except c2pa.C2paError as error:
        raise ConfigError(
            f"timestamp is an authority at {urlsplit(timestamp).hostname} that gives no time stamp "
            f"({_reason(str(error))}); nothing was rendered: check the address and the network, or do without"
        ) from error


def _reason(error: str) -> str:
    """C2PA's words for what went wrong with an authority, without the frames around them and without the address."""
    if "HTTP error (status = 200" in error:
        return "its answer is none"
    if status := re.search(r"status = (\d+)", error):
        return f"it answers with HTTP status {status[1]}"
    if "failed validation" in error:
        return "its certificate is not fit for it, or its time stamp not valid"
    return "it cannot be reached" if "error sending request" in error else "it cannot be asked"


def _sign_pixel(
    credentials: Credentials,
    timestamp: str | None = None,
    claim: dict[str, Any] | None = None,
    manifests: Sequence[bytes] = (),
) -> None:
    picture = io.BytesIO()
    Image.new("L", (1, 1)).save(picture, "png")
    picture.seek(0)
    action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC_PARTS}
    claim = claim or {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    _embed(claim, credentials, "image/png", picture, io.BytesIO(), manifests, timestamp)


def _embed(
    claim: dict[str, Any],
    credentials: Credentials,
    kind: str,
    source: BinaryIO,
    target: BinaryIO,
    manifests: Sequence[bytes] = (),
    timestamp: str | None = None,
) -> None:
    """Copies a file, with a manifest and those of its ingredients; raises ``C2paError``."""
    info = c2pa.C2paSignerInfo(credentials.algorithm.lower().encode(), credentials.chain, credentials.key, timestamp)
    with (
        c2pa.Context.from_dict(OFFLINE) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(json.dumps(claim), context=context) as builder,
    ):
        for manifest in manifests:
            builder.add_ingredient_from_archive(io.BytesIO(manifest))
        builder.sign(signer, kind, source, target)


def _claim(record: Record, title: str, kind: str) -> dict[str, Any]:
    agent = {"name": "facediff", "version": record.versions.get("facediff", "of unknown version")}
    labels = [part.role if part.manifest else f"{k}-{part.role}" for k, part in enumerate(record.inputs)]
    action = {
        "action": "c2pa.created",
        "softwareAgent": agent,
        "digitalSourceType": record.digital_source_type,
        "description": f"facediff {record.task}: a face that was made to move by a diffusion model",
        "parameters": {"ingredientIds": labels},
    }
    ingredients = [
        {
            "title": part.name,
            "label": label,
            "relationship": "inputTo",
            "instance_id": f"sha256:{part.sha256}",
            "description": f"{part.role}; SHA-256 of the file: {part.sha256}",
        }
        for label, part in zip(labels, record.inputs, strict=True)
        if part.manifest is None
    ]
    return {
        "title": title,
        "format": kind,
        "claim_generator_info": [agent],
        "ingredients": ingredients,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }


def read_manifest(path: str | Path) -> ManifestReport:
    """What the C2PA manifest of a file says, and whether it holds; nothing is fetched from a network.

    Raises:
        MediaError: There is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no file at {path}")
    try:
        with c2pa.Context.from_dict(OFFLINE) as context, c2pa.Reader(path, context=context) as reader:
            content = json.loads(reader.json())
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported, c2pa.C2paError.RemoteManifest):
        return ManifestReport(ManifestState.absent)
    except (c2pa.C2paError, ValueError, RecursionError) as error:  # the file, or a manifest in it, is damaged
        if not _has_store(path):
            return ManifestReport(ManifestState.absent)
        return ManifestReport(ManifestState.tampered, problems=(_text(str(error)) or "",))
    return report_of(content)


def _has_store(path: Path) -> bool:
    """Whether the bytes that announce a manifest are anywhere in a file."""
    before = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if _STORE in before + block:
                return True
            before = block[-len(_STORE) :]
    return False


def report_of(content: object) -> ManifestReport:
    """Of C2PA's JSON, whose assertions are as strangers wrote them: anything may be of another type."""
    found = _dict(content)
    manifests = _dict(found.get("manifests"))
    manifest = _dict(manifests.get(str(found.get("active_manifest"))))
    ingredients = _dicts(manifest.get("ingredients"))[:_MAX_PARTS]
    states = {"Valid": ManifestState.valid, "Trusted": ManifestState.trusted}
    return ManifestReport(
        state=states.get(str(found.get("validation_state")), ManifestState.tampered),
        digital_source_type=_source_type(manifest),
        generator=_generator(manifest),
        signer=_text(_dict(manifest.get("signature_info")).get("issuer")),
        ingredients=tuple(_text(part.get("title")) or "unnamed" for part in ingredients),
        problems=_problems(found.get("validation_results"))[0],
        time=_text(_dict(manifest.get("signature_info")).get("time")),
        kept=tuple(_kept(part, manifests) for part in ingredients if part.get("active_manifest")),
    )


def _kept(ingredient: dict[str, Any], manifests: dict[str, Any]) -> KeptManifest:
    manifest = _dict(manifests.get(str(ingredient.get("active_manifest"))))
    problems, is_trusted = _problems(ingredient.get("validation_results"))
    unbroken = ManifestState.trusted if is_trusted else ManifestState.valid
    return KeptManifest(
        name=_text(ingredient.get("title")) or "unnamed",
        state=ManifestState.tampered if problems else unbroken,
        digital_source_type=_source_type(manifest),
        generator=_generator(manifest),
        signer=_text(_dict(manifest.get("signature_info")).get("issuer")),
        problems=problems,
    )


def _source_type(manifest: dict[str, Any]) -> str | None:
    sources = [
        _text(action.get("digitalSourceType"))
        for assertion in _dicts(manifest.get("assertions"))
        if str(assertion.get("label")).startswith("c2pa.actions")
        for action in _dicts(_dict(assertion.get("data")).get("actions"))
    ]
    return next(filter(None, sources), None)


def _generator(manifest: dict[str, Any]) -> str | None:
    generator = next(iter(_dicts(manifest.get("claim_generator_info"))), {})
    return " ".join(filter(None, (_text(generator.get(key)) for key in ("name", "version")))) or None


def _problems(results: object) -> tuple[tuple[str, ...], bool]:
    """Codes of what is wrong with a manifest, those about trust aside, and whether its signer is on the trust list."""
    failures = _dicts(_dict(_dict(results).get("activeManifest")).get("failure"))
    codes = [str(failure.get("code")) for failure in failures]
    return tuple(code for code in codes if code != _UNTRUSTED)[:_MAX_PARTS], _UNTRUSTED not in codes


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) else None
