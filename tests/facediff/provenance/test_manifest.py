"""C2PA manifests say what was made from what and hold until somebody touches the file; keys stay with their owner."""

from __future__ import annotations

import datetime
import shutil
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from cryptography import x509

from facediff.errors import ConfigError, OutputError
from facediff.media import VideoReader, VideoWriter
from facediff.provenance import Ingredient, Record, credentials
from facediff.provenance.credentials import CERT_VARIABLE, KEY_VARIABLE, Credentials, self_signed
from facediff.provenance.manifest import sealer, sign
from facediff.provenance.manifest_report import ManifestState, read_manifest
from facediff.provenance.record import SYNTHETIC_PARTS

RECORD = Record(
    task="talk",
    inputs=(Ingredient("source", "portrait.jpg", "ab" * 32), Ingredient("speech", "s.wav", "cd" * 32)),
    options={},
    seed=0,
    model="base",
    weights_sha256="ef" * 32,
)


def write(path):
    with VideoWriter(path, (64, 64), Fraction(25), audio=np.zeros(8000, np.float32)) as writer:
        for k in range(12):
            writer.write(np.full((64, 64, 3), 20 * k, np.uint8))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_a_signed_file_says_what_it_was_made_from(tmp_path, suffix):
    path = write(tmp_path / f".facediff-1{suffix}")
    before = [frame.tobytes() for frame in VideoReader(path)]
    sign(path, RECORD, Credentials.load(), title="hello")
    report = read_manifest(path)
    assert report.state is ManifestState.valid and report.problems == ()
    assert report.digital_source_type == SYNTHETIC_PARTS
    assert report.ingredients == ("portrait.jpg", "s.wav")
    assert report.generator is not None and report.generator.startswith("facediff ")
    assert "proves nothing about who made it" in report.meaning
    assert [frame.tobytes() for frame in VideoReader(path)] == before
    assert list(tmp_path.iterdir()) == [path]
    assert b"ab" * 32 in path.read_bytes() and str(tmp_path).encode() not in path.read_bytes()


def test_other_kinds_of_file_hold_none(tmp_path):
    assert sealer(RECORD, "v.mkv") is None and sealer(RECORD, "v.MP4") is not None
    assert read_manifest(write(tmp_path / "v.mkv")).state is ManifestState.absent


def test_what_signs_is_loaded_only_to_sign():
    code = "import sys, facediff.clip; sys.exit(bool({'c2pa', 'cryptography'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_certificate_is_made_once_and_is_its_owners_alone(settings):
    first = Credentials.load()
    kept = settings / "c2pa.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and list(settings.iterdir()) == [kept]
    assert Credentials.load() == first
    assert b"PRIVATE" not in repr(first).encode()


def test_a_damaged_or_old_certificate_is_replaced(settings, monkeypatch):
    settings.mkdir()
    (settings / "c2pa.pem").write_text("nonsense")
    first = Credentials.load()
    assert Credentials.load() == first
    monkeypatch.setattr(credentials, "_LIFETIME", datetime.timedelta(hours=2))
    (settings / "c2pa.pem").unlink()
    short = Credentials.load()
    monkeypatch.undo()
    monkeypatch.setattr(credentials, "user_config_path", lambda name, appauthor: settings)
    assert Credentials.load() != short


def test_workers_that_start_together_all_get_one(settings, tmp_path):
    path = write(tmp_path / "v.mp4")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Credentials.load(), range(8)))
    for each in found:
        sign(path, RECORD, each, title="v.mp4")
    assert [p.name for p in settings.iterdir()] == ["c2pa.pem"]


def test_settings_that_cannot_be_written_are_no_obstacle(settings, tmp_path, caplog):
    settings.write_text("a file where the folder should be")
    path = write(tmp_path / "v.mp4")
    sign(path, RECORD, Credentials.load(), title="v.mp4")
    assert "for this once" in caplog.text


def test_ones_own_certificate_is_used(tmp_path, monkeypatch):
    own = self_signed()
    (tmp_path / "c.pem").write_bytes(own.chain)
    (tmp_path / "k.pem").write_bytes(own.key)
    monkeypatch.setenv(CERT_VARIABLE, str(tmp_path / "c.pem"))
    with pytest.raises(ConfigError, match="go together"):
        Credentials.load()
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "k.pem"))
    assert Credentials.load() == own and sealer(RECORD, "v.mp4") is not None
    (tmp_path / "k.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match="holds no private key"):
        Credentials.load()
    (tmp_path / "k.pem").unlink()
    with pytest.raises(ConfigError, match=r"k\.pem cannot be read: No such file"):
        Credentials.load()


def test_unfit_certificates_are_refused_before_the_work_and_the_file_is_left(tmp_path, monkeypatch):
    path = write(tmp_path / "v.mp4")
    before, own, other = path.read_bytes(), self_signed(), self_signed()
    root = own.chain[own.chain.rindex(b"-----BEGIN") :]
    assert x509.load_pem_x509_certificate(root)
    for chain, key in ((own.chain, other.key), (root, own.key), (b"", own.key)):
        unfit = Credentials(chain, key, "ES256")
        monkeypatch.setattr(Credentials, "load", lambda unfit=unfit: unfit)
        with pytest.raises(ConfigError, match=f"not fit for C2PA .*{CERT_VARIABLE} must name"):
            sealer(RECORD, "v.mp4")
        with pytest.raises(OutputError, match=r"v\.mp4 cannot be signed"):
            sign(path, RECORD, unfit, title="v.mp4")
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    path = write(tmp_path / "v.mp4")
    shutil.move(path, tmp_path / "w.mp4")
    with pytest.raises(OutputError, match=r"hello\.mp4 cannot be signed"):
        sign(path, RECORD, Credentials.load(), title="hello.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["w.mp4"]


def test_a_time_stamp_is_asked_for_and_kept(tmp_path, authority):
    path = write(tmp_path / "v.mp4")
    assert read_manifest(path).time is None
    sealer(RECORD, "v.mp4", authority)(path)
    report = read_manifest(path)
    said = datetime.datetime.fromisoformat(report.time)
    assert abs(said - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    assert report.state is ManifestState.valid and report.problems == ()


def test_an_authority_that_gives_no_time_stamp_is_refused_before_the_work(tmp_path, web_page, unfit_authority):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for address, reason in (
            (f"http://me:secret@127.0.0.1:{nobody.getsockname()[1]}/", "it cannot be reached"),
            (web_page, "its answer is none"),
            (unfit_authority, "its certificate is not fit for it"),
            (f"{web_page}503", "it answers with HTTP status 503"),
        ):
            with pytest.raises(ConfigError, match="^timestamp is an authority at 127.0.0.1 that gives no") as refused:
                sealer(RECORD, "v.mp4", address)
            assert reason in str(refused.value) and "secret" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"^timestamp is kept in a C2PA manifest, and v\.mkv holds none"):
        sealer(RECORD, "v.mkv", web_page)


def test_an_authority_that_is_gone_when_the_file_is_signed_costs_the_time_stamp_alone(tmp_path, web_page, caplog):
    path = write(tmp_path / "v.mp4")
    sign(path, RECORD, Credentials.load(), title="v.mp4", timestamp=web_page)
    assert read_manifest(path).state is ManifestState.valid and read_manifest(path).time is None
    assert list(tmp_path.iterdir()) == [path]
    assert (
        "v.mp4 is signed without a time stamp: 127.0.0.1, which gave one before, does not (its answer is none)"
        in caplog.text
    )


def test_without_a_time_stamp_nobody_is_asked(tmp_path, monkeypatch):
    class NoNetwork(socket.socket):
        def connect(self, *_):
            raise AssertionError("something wants a network")

    monkeypatch.setattr(socket, "socket", NoNetwork)
    path = write(tmp_path / "v.mp4")
    sealer(RECORD, "v.mp4")(path)
    read_manifest(path)
