"""Settings for each test alone, and a time-stamp authority on this machine."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from facediff.provenance import credentials
from facediff.provenance.credentials import _usage


@pytest.fixture(autouse=True)
def settings(tmp_path_factory, monkeypatch) -> Path:
    """A folder of settings for each test."""
    folder = tmp_path_factory.mktemp("settings")
    monkeypatch.setattr(credentials, "user_config_path", lambda name, appauthor: folder / name)
    return folder / "facediff"


@pytest.fixture
def authority(tmp_path_factory) -> Iterator[str]:
    """Address of a time-stamp authority (RFC 3161) on this machine."""
    yield from _authority(tmp_path_factory.mktemp("authority"), is_fit=True)


@pytest.fixture
def unfit_authority(tmp_path_factory) -> Iterator[str]:
    """Address of an authority whose certificate does not say that it may sign."""
    yield from _authority(tmp_path_factory.mktemp("authority"), is_fit=False)


def _authority(folder: Path, *, is_fit: bool) -> Iterator[str]:
    """Made with OpenSSL."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a time-stamp authority with")
    _issue(folder, is_fit)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            subprocess.run(
                ["openssl", "ts", "-reply", "-config", folder / "conf", "-section", "tsa", "-queryfile",
                 folder / "query", "-out", folder / "reply"], check=True, capture_output=True,
            )  # fmt: skip
            answer(self, 200, (folder / "reply").read_bytes(), "application/timestamp-reply")

        def log_message(self, *_) -> None:
            pass

    yield from _serve(Handler, "/tsa")


@pytest.fixture
def web_page() -> Iterator[str]:
    """Address of a server that is no authority: the number behind the slash is the status that it gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self, int(self.path.strip("/") or 200), b"<html>hello</html>", "text/html")

        def log_message(self, *_) -> None:
            pass

    yield from _serve(Handler, "/")


def answer(handler: BaseHTTPRequestHandler, status: int, content: bytes, kind: str) -> None:
    """Sends an answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _serve(handler: type[BaseHTTPRequestHandler], path: str) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{path}"
        finally:
            server.shutdown()
            thread.join()


def _issue(folder: Path, is_fit: bool) -> None:
    """An authority's certificate, its issuer's, its key, and what OpenSSL wants to know."""
    issuer, own = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    now, names = datetime.datetime.now(datetime.timezone.utc), {}
    for name in ("issuer", "authority"):
        parts = ((NameOID.ORGANIZATION_NAME, "of the tests"), (NameOID.COMMON_NAME, name))
        names[name] = x509.Name([x509.NameAttribute(*part) for part in parts])
    for name, key in (("issuer", issuer), ("authority", own)):
        builder = (
            x509.CertificateBuilder().subject_name(names[name]).issuer_name(names["issuer"])
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(name == "issuer", None), critical=True)
        )  # fmt: skip
        if name == "authority":
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
            ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        if name == "authority" and is_fit:
            builder = builder.add_extension(_usage("digital_signature"), critical=True)
        (folder / name).write_bytes(builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "key").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01")
    (folder / "conf").write_text(
        f"[tsa]\nserial = {folder}/serial\nsigner_cert = {folder}/authority\ncerts = {folder}/issuer\n"
        f"signer_key = {folder}/key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n"
        "digests = sha256, sha384, sha512\ness_cert_id_alg = sha256\n"
    )
