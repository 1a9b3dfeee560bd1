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
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import c2pa
from PIL import Image

from facediff.errors import ConfigError, OutputError
from facediff.media.notices import warn_once
from facediff.provenance.credentials import CERT_VARIABLE, KEY_VARIABLE, Credentials
from facediff.provenance.ingredients import Ingredient
from facediff.provenance.manifest_report import OFFLINE
from facediff.provenance.record import SYNTHETIC_PARTS, Record
from facediff.system.files import as_text, atomic_write

PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}

_KINDS = {".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime", **PICTURES}


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
