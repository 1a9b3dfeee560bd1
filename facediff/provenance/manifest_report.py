"""What the C2PA manifest of a file says, and whether it holds; nothing is fetched from a network.

C2PA Technical Specification 2.x (c2pa.org). Whether a signer is whom it says depends on the certificate: see
``facediff.provenance.credentials``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import c2pa

from facediff.errors import MediaError
from facediff.media.images import list_pictures
from facediff.provenance.credentials import OWN_ISSUER

# Neither is anything fetched, nor is a picture made of what it was made of.
OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}

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


def read_manifest(path: str | Path) -> ManifestReport:
    """What the C2PA manifest of a file says, and whether it holds; nothing is fetched from a network.

    Of a folder of frames, that of the first.

    Raises:
        MediaError: There is no such file, or no picture in the folder.
    """
    path = Path(path)
    if path.is_dir():
        path = list_pictures(path)[0]
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
