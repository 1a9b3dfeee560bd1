"""What manifests are signed with: the user's own certificate, or one made for this installation at its first use.

The one made here shows that a file is as it was signed, and proves nothing about who signed it.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from platformdirs import user_config_path

from facediff.errors import ConfigError

log = logging.getLogger(__name__)

CERT_VARIABLE, KEY_VARIABLE = "FACEDIFF_C2PA_CERT", "FACEDIFF_C2PA_KEY"
OWN_ISSUER = "facediff, self-signed"

_LIFETIME = datetime.timedelta(days=3650)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


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
            try:
                return cls._of_pem(Path(key).read_bytes() + b"\n" + Path(cert).read_bytes(), key)
            except OSError as error:
                raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error
        path = user_config_path("facediff", appauthor=False) / "c2pa.pem"
        with contextlib.suppress(OSError, ConfigError):  # none yet, or a damaged one, is replaced
            own = cls._of_pem(path.read_bytes(), str(path))
            if own._is_in_date():
                return own
        own = self_signed()
        try:
            _keep(path, own.key + own.chain)
        except OSError as error:
            log.warning("%s cannot be written (%s); a certificate for this once is used", path, error.strerror)
        return own

    @classmethod
    def _of_pem(cls, pem: bytes, name: str) -> Credentials:
        """Of a private key and certificates in one text."""
        try:
            key = load_pem_private_key(pem, password=None)
            chain = x509.load_pem_x509_certificates(pem)
        except (ValueError, TypeError) as error:  # TypeError: a pass phrase is wanted
            raise ConfigError(
                f"{name} holds no private key in PEM without a pass phrase, or its certificate is not PEM"
            ) from error
        text = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
        return cls(text, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _algorithm(key, name))

    def _is_in_date(self) -> bool:
        ends = x509.load_pem_x509_certificates(self.chain)[0].not_valid_after_utc
        return ends > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)


def self_signed() -> Credentials:
    """A signer's certificate and the authority that issued it, whose key is thrown away.

    C2PA refuses a single self-signed certificate, and wants these extensions (specification, section 14.5).
    """
    authority, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("facediff authority of this installation")
    root = (
        _certificate(issuer, issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        _certificate(_name("facediff installation"), issuer, signer.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    chain = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    return Credentials(chain, signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "ES256")


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


def _name(common: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, OWN_ISSUER), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in allowed for name in _USAGES})


def _algorithm(key: object, name: str) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "PS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519"
    raise ConfigError(f"the key in {name} is of a kind that C2PA does not sign with; take P-256, RSA or Ed25519")


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
