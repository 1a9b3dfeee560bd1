"""A C2PA manifest: a signed statement in the file that the clip is AI-made, and from what.

C2PA Technical Specification 2.x (c2pa.org). It holds one action, ``c2pa.created``, with IPTC's digital source type, and
the ingredients by name and hash. Any change of the file afterwards breaks it; leaving it out does not show. Whether
the signer is whom it says depends on the certificate: see ``facediff.provenance.credentials``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import c2pa
from PIL import Image

from facediff.errors import ConfigError, MediaError, OutputError
from facediff.provenance.credentials import CERT_VARIABLE, KEY_VARIABLE, OWN_ISSUER, Credentials
from facediff.provenance.record import SYNTHETIC_PARTS, Record
from facediff.system.files import as_text, atomic_write

_KINDS = {".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime"}
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # of C2PA in mp4 and mov (specification, section A.5)
_MAX_TEXT, _MAX_PARTS = 200, 20  # of what strangers' manifests say


class ManifestState(str, Enum):
    """What became of a manifest."""

    absent = "absent"
    tampered = "tampered"  # the file or the manifest was changed after signing
    valid = "valid"  # unchanged, by a signer that nobody vouches for
    trusted = "trusted"  # unchanged, by a signer on the trust list


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
    """

    state: ManifestState
    digital_source_type: str | None = None
    generator: str | None = None
    signer: str | None = None
    ingredients: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

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


def sealer(record: Record, title: str) -> Callable[[Path], None] | None:
    """What will sign a file when it is finished; a certificate that is not fit is refused now, before the work.

    Args:
        record: What the manifest says.
        title: The name that the file will have; None is returned where its kind holds no manifest, as mkv does.

    Raises:
        ConfigError: The certificate cannot be used.
    """
    if Path(title).suffix.lower() not in _KINDS:
        return None
    credentials = Credentials.load()
    _try(credentials)
    return lambda path: sign(path, record, credentials, title=as_text(title))


def sign(path: Path, record: Record, credentials: Credentials, *, title: str) -> None:
    """Puts a manifest into a finished mp4, m4v or mov; the file is replaced by the signed one, or left as it was.

    Raises:
        OutputError: It cannot be signed, or not be written.
    """
    kind = _KINDS[path.suffix.lower()]
    try:
        with atomic_write(path) as signed, path.open("rb") as source, signed.open("w+b") as target:
            _embed(_claim(record, title, kind), credentials, kind, source, target)
    except (c2pa.C2paError, OSError) as error:
        raise OutputError(f"{title} cannot be signed: {error}") from error


def _try(credentials: Credentials) -> None:
    """Signs one pixel.

    Raises:
        ConfigError: The certificate is not fit for C2PA.
    """
    picture = io.BytesIO()
    Image.new("L", (1, 1)).save(picture, "png")
    picture.seek(0)
    action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC_PARTS}
    claim = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    try:
        _embed(claim, credentials, "image/png", picture, io.BytesIO())
    except c2pa.C2paError as error:
        raise ConfigError(
            f"the certificate is not fit for C2PA ({error}): {CERT_VARIABLE} must name a signer's certificate for "
            f"e-mail protection or document signing, with its chain, and {KEY_VARIABLE} the key to it"
        ) from error


def _embed(claim: dict[str, Any], credentials: Credentials, kind: str, source: BinaryIO, target: BinaryIO) -> None:
    """Copies a file, with a manifest; raises ``C2paError``."""
    info = c2pa.C2paSignerInfo(credentials.algorithm.lower().encode(), credentials.chain, credentials.key, None)
    with (
        c2pa.Context.from_dict(_OFFLINE) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(json.dumps(claim), context=context) as builder,
    ):
        builder.sign(signer, kind, source, target)


def _claim(record: Record, title: str, kind: str) -> dict[str, Any]:
    agent = {"name": "facediff", "version": record.versions.get("facediff", "of unknown version")}
    labels = [f"{k}-{part.role}" for k, part in enumerate(record.inputs)]
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
        with c2pa.Context.from_dict(_OFFLINE) as context, c2pa.Reader(path, context=context) as reader:
            content = json.loads(reader.json())
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported, c2pa.C2paError.RemoteManifest):
        return ManifestReport(ManifestState.absent)
    except (c2pa.C2paError, ValueError, RecursionError) as error:  # the file, or a manifest in it, is damaged
        if not _has_box(path):
            return ManifestReport(ManifestState.absent)
        return ManifestReport(ManifestState.tampered, problems=(_text(str(error)) or "",))
    return _report(_dict(content))


def _has_box(path: Path) -> bool:
    """Whether the bytes that announce a manifest are anywhere in a file."""
    before = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if _BOX in before + block:
                return True
            before = block[-len(_BOX) :]
    return False


def _report(content: dict[str, Any]) -> ManifestReport:
    """Of C2PA's JSON, whose assertions are as strangers wrote them: anything may be of another type."""
    manifest = _dict(_dict(content.get("manifests")).get(str(content.get("active_manifest"))))
    sources = [
        _text(action.get("digitalSourceType"))
        for assertion in _dicts(manifest.get("assertions"))
        if str(assertion.get("label")).startswith("c2pa.actions")
        for action in _dicts(_dict(assertion.get("data")).get("actions"))
    ]
    generator = next(iter(_dicts(manifest.get("claim_generator_info"))), {})
    titles = [_text(part.get("title")) for part in _dicts(manifest.get("ingredients"))]
    results = _dict(_dict(content.get("validation_results")).get("activeManifest"))
    codes = [str(failure.get("code")) for failure in _dicts(results.get("failure"))]
    states = {"Valid": ManifestState.valid, "Trusted": ManifestState.trusted}
    return ManifestReport(
        state=states.get(str(content.get("validation_state")), ManifestState.tampered),
        digital_source_type=next(filter(None, sources), None),
        generator=" ".join(filter(None, (_text(generator.get(key)) for key in ("name", "version")))) or None,
        signer=_text(_dict(manifest.get("signature_info")).get("issuer")),
        ingredients=tuple(title or "unnamed" for title in titles[:_MAX_PARTS]),
        problems=tuple(code for code in codes if code != "signingCredential.untrusted")[:_MAX_PARTS],
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) else None
