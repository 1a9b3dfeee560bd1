"""A C2PA manifest: a signed statement in the file that the clip is AI-made, and from what.

C2PA Technical Specification 2.x (c2pa.org). It holds one action, ``c2pa.created``, with IPTC's digital source type, and
the ingredients by name and hash. Any change of the file afterwards breaks it; leaving it out does not show. Whether
the signer is whom it says depends on the certificate: the one made here for each installation proves nothing about
that, so name your own by ``FACEDIFF_C2PA_CERT`` and ``FACEDIFF_C2PA_KEY``.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import logging
import os
import secrets
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image
from platformdirs import user_config_path

from facediff.errors import ConfigError, MediaError, OutputError
from facediff.provenance.record import SYNTHETIC_PARTS, Record

log = logging.getLogger(__name__)

CERT_VARIABLE, KEY_VARIABLE = "FACEDIFF_C2PA_CERT", "FACEDIFF_C2PA_KEY"
OWN_ISSUER = "facediff, self-signed"

_KINDS = {".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime"}
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_LIFETIME = datetime.timedelta(days=3650)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


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


@dataclass(frozen=True)
class Credentials:
    """What a manifest is signed with.

    Attributes:
        chain: Certificates in PEM, the signer's first.
        key: The signer's private key in PEM.
        algorithm: C2PA's name of the signature: ``ES256``, ``PS256``, ``ED25519``, ...
    """

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str

    @classmethod
    def load(cls) -> Credentials:
        """The user's own by the two environment variables, else this installation's, made at its first use.

        Where the folder of settings cannot be written to, a certificate is made for this once.

        Raises:
            ConfigError: One variable is set without the other, or a file is not what it must be.
        """
        cert, key = os.environ.get(CERT_VARIABLE), os.environ.get(KEY_VARIABLE)
        if bool(cert) != bool(key):
            raise ConfigError(f"{CERT_VARIABLE} and {KEY_VARIABLE} go together; one of them is not set")
        if cert and key:
            return cls._of_files(Path(cert), Path(key))
        path = user_config_path("facediff", appauthor=False) / "c2pa.pem"
        with contextlib.suppress(OSError, ConfigError):  # none yet, or a damaged one, is replaced
            own = cls._of_pem(path.read_bytes(), path)
            if own._is_in_date():
                return own
        own = _self_signed()
        try:
            _keep(path, own.key + own.chain)
        except OSError as error:
            log.warning("%s cannot be written (%s); a certificate for this once is used", path, error.strerror)
        return own

    @classmethod
    def _of_files(cls, cert: Path, key: Path) -> Credentials:
        try:
            own = cls._of_pem(key.read_bytes() + b"\n" + cert.read_bytes(), key)
        except OSError as error:
            raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error
        own._try()
        return own

    @classmethod
    def _of_pem(cls, pem: bytes, path: Path) -> Credentials:
        """Of a private key and certificates in one text."""
        try:
            key = load_pem_private_key(pem, password=None)
            chain = x509.load_pem_x509_certificates(pem)
        except (ValueError, TypeError) as error:  # TypeError: a pass phrase is wanted
            raise ConfigError(
                f"{path} holds no private key in PEM without a pass phrase, or its certificate is not PEM"
            ) from error
        text = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
        return cls(text, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _algorithm(key, path))

    def _try(self) -> None:
        """Signs one pixel, so that a certificate that is not fit is refused before the work and not after it.

        Raises:
            ConfigError: It is not fit for C2PA.
        """
        picture = io.BytesIO()
        Image.new("L", (1, 1)).save(picture, "png")
        picture.seek(0)
        action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC_PARTS}
        claim = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
        _embed(claim, self, "image/png", picture, io.BytesIO())

    def _is_in_date(self) -> bool:
        ends = x509.load_pem_x509_certificates(self.chain)[0].not_valid_after_utc
        return ends > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)


def sign(path: Path, record: Record, credentials: Credentials, *, title: str) -> bool:
    """Puts a manifest into a finished file; the file is replaced by the signed one, or left as it was.

    Args:
        path: mp4, m4v or mov; others hold no manifest and are left alone.
        record: What the manifest says.
        credentials: What it is signed with.
        title: The name that the file will have.

    Returns:
        Whether the file holds a manifest now.

    Raises:
        ConfigError: The certificate is not fit for C2PA.
        OutputError: The signed file cannot be written.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        return False
    signed = path.with_name(f".facediff-{secrets.token_hex(4)}{path.suffix}")
    try:
        with path.open("rb") as source, signed.open("w+b") as target:
            _embed(_claim(record, title, kind), credentials, kind, source, target)
        os.replace(signed, path)
    except (c2pa.C2paError, OSError) as error:
        raise OutputError(f"{title} cannot be signed: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            signed.unlink(missing_ok=True)
    return True


def _embed(claim: dict[str, Any], credentials: Credentials, kind: str, source: BinaryIO, target: BinaryIO) -> None:
    """Copies a file, with a manifest.

    Raises:
        ConfigError: The certificate is not fit for C2PA.
        c2pa.C2paError: Anything else.
    """
    info = c2pa.C2paSignerInfo(credentials.algorithm.lower().encode(), credentials.chain, credentials.key, None)
    try:
        with (
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(json.dumps(claim), context=context) as builder,
        ):
            builder.sign(signer, kind, source, target)
    except (c2pa.C2paError.Signature, c2pa.C2paError.Other) as error:
        raise ConfigError(
            f"the certificate or key in {CERT_VARIABLE} and {KEY_VARIABLE} is not fit for C2PA ({error}); it must be a "
            "signer's certificate for e-mail protection or document signing, with its chain, and the key to it"
        ) from error


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
    except c2pa.C2paError as error:  # there is something, but it cannot even be read
        return ManifestReport(ManifestState.tampered, problems=(str(error),))
    return _report(content)


def _report(content: dict[str, Any]) -> ManifestReport:
    manifest = content.get("manifests", {}).get(content.get("active_manifest"), {})
    actions = [
        action
        for assertion in manifest.get("assertions", ())
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", ())
    ]
    failures = content.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    generator: dict[str, Any] = next(iter(manifest.get("claim_generator_info", ())), {})
    states = {"Valid": ManifestState.valid, "Trusted": ManifestState.trusted}
    return ManifestReport(
        state=states.get(content.get("validation_state", ""), ManifestState.tampered),
        digital_source_type=next((a["digitalSourceType"] for a in actions if "digitalSourceType" in a), None),
        generator=" ".join(str(generator[k]) for k in ("name", "version") if k in generator) or None,
        signer=manifest.get("signature_info", {}).get("issuer"),
        ingredients=tuple(str(part.get("title")) for part in manifest.get("ingredients", ())),
        problems=tuple(f["code"] for f in failures if f["code"] != "signingCredential.untrusted"),
    )


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


def _algorithm(key: object, path: Path) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "PS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519"
    raise ConfigError(f"the key in {path} is of a kind that C2PA does not sign with; take P-256, RSA or Ed25519")


def _self_signed() -> Credentials:
    """A signer's certificate and the authority that issued it, whose key is thrown away.

    C2PA refuses a single self-signed certificate, and wants these extensions (specification, section 14.5).
    """
    authority, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("facediff authority of this installation")
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    root = (
        _certificate(issuer, issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        _certificate(_name("facediff installation"), issuer, signer.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **usage), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    chain = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    return Credentials(chain, signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "ES256")


def _name(common: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, OWN_ISSUER), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)  # clocks differ
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _keep(path: Path, content: bytes) -> None:
    """Writes a secret that only its owner can read; whole or not at all, since others may write it at the same time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(4)}.pem")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
