"""What a visitor may try who means harm."""

from __future__ import annotations

import http.server
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from fractions import Fraction
from pathlib import Path

import av
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from facediff.demo import faces, guard
from facediff.demo.app import running
from facediff.demo.limits import Limits
from facediff.errors import MediaError
from facediff.media import VideoReader

SECRET = b"nobody's business"


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def secret(tmp_path) -> Path:
    (tmp_path / "secret.png").write_bytes(SECRET)
    return tmp_path / "secret.png"


@pytest.fixture
def elsewhere():
    """The address of another server, and the list of what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET)

        def log_message(self, *args) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def answer(request: str | urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=30) as given:
            return given.status, given.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def upload(address: str, name: str, content: bytes) -> tuple[int, bytes]:
    edge = "edge-of-a-part"
    disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
    head = f"--{edge}\r\n{disposition}\r\nContent-Type: image/png\r\n\r\n".encode()
    body = head + content + f"\r\n--{edge}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    return answer(urllib.request.Request(f"{address}gradio_api/upload", body, kind))


def given(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    "name", ["../../out.png", "/etc/out.png", "..", "a/../../out.png", "%2e%2e%2fout.png", "x" * 999]
)
def test_names_of_uploads_lead_nowhere(address, uploads, name):
    _, own = upload(address, "a.png", b"content")
    folder = Path(own.decode().strip('[]"')).parents[1]
    code, told = upload(address, name, b"content of another")
    if code == 200:
        path = Path(told.decode().strip('[]"'))
        assert path.is_file() and path.resolve().parents[1] == folder.resolve()
    else:
        assert code < 500 or not list(folder.parent.glob("out.png"))


def test_files_that_nobody_uploaded_are_out_of_reach(client, address, secret, tmp_path):
    (tmp_path / "link.png").symlink_to(secret)
    for path in (secret, tmp_path / "link.png", "/etc/passwd", "pyproject.toml"):
        with pytest.raises(AppError):
            client.predict(portrait=given(str(path)), api_name="/talk_faces")
        with pytest.raises(AppError):
            client.predict(footage=[given(str(path))], api_name="/adapt")
        code, content = answer(f"{address}gradio_api/file={urllib.parse.quote(str(path))}")
        assert code == 403 and SECRET not in content
    _, own = upload(address, "a.png", b"content")
    above = Path(own.decode().strip('[]"')).parent / ".." / ".." / ".." / secret.relative_to("/")
    assert answer(f"{address}gradio_api/file={urllib.parse.quote(str(above), safe='/')}")[0] == 403


def test_nothing_is_fetched_from_an_address(client, address, elsewhere):
    place, asked = elsewhere
    for given_as in ({"portrait": given(f"{place}/a.png")}, {"kind": "Video", "video": given(f"{place}/a.mp4")}):
        with pytest.raises(AppError, match="Give a file, not an address"):
            client.predict(**given_as, api_name="/talk_faces")
    with pytest.raises(AppError, match="Give a file, not an address"):
        client.predict(speech=given(f"{place}/a.wav"), api_name="/talk")
    with pytest.raises(AppError, match="Give a file, not an address"):
        client.predict(footage=[given(f"{place}/a.mp4")], api_name="/adapt")
    for tab in ("/talk", "/animate"):
        with pytest.raises(AppError, match="Give a file, not an address"):
            client.predict(domain_file=given(f"{place}/a.zip"), api_name=tab)
    for path in (f"{place}/a.png", urllib.parse.quote(f"{place}/a.png"), f"/{place}/a.png", place.upper()):
        assert answer(f"{address}gradio_api/file={path}")[0] in (403, 404)
    assert not asked


def test_too_large_a_file_is_turned_away(address, tmp_path):
    code, _ = upload(address, "a.png", bytes(4_000_000))
    assert code == 200
    with running(port=None, limits=Limits(megabytes=1)) as small:
        assert upload(small, "a.png", bytes(1_050_000))[0] == 413
        assert upload(small, "a.png", bytes(4_000_000))[0] == 413
        assert upload(small, "a.png", bytes(900_000))[0] == 200


def test_the_disk_is_not_filled(monkeypatch):
    monkeypatch.setattr(guard, "MOST_FILES", 3)
    with running(port=None, limits=Limits(megabytes=1)) as small:
        codes = [upload(small, "a.png", bytes([k]) * 700_000)[0] for k in range(5)]
    assert codes[:2] == [200, 200] and codes[-1] == 507


def test_an_upload_without_end_is_turned_away(address):
    with socket.create_connection(urllib.parse.urlsplit(address).netloc.split(":")) as asking:
        asking.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 411 " in asking.recv(200)


def test_other_pages_may_not_read_answers(address):
    asked = urllib.request.Request(f"{address}config", headers={"Origin": "https://example.com"})
    with urllib.request.urlopen(asked, timeout=30) as reply:
        assert reply.headers.get("Access-Control-Allow-Origin") is None


def test_a_program_is_no_picture(tmp_path):
    """Pillow would hand PostScript to Ghostscript."""
    Image.new("RGB", (64, 64)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(MediaError, match="cannot be read as a picture"):
        Limits().picture(tmp_path / "a.png")


def video(path: Path, side: int, frames: int) -> bytes:
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for _ in range(frames):
            frame = av.VideoFrame(side, side, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def test_a_video_is_measured_before_it_is_decoded(tmp_path, monkeypatch):
    video(tmp_path / "a.ts", 512, 2)
    monkeypatch.setattr("facediff.demo.limits.VideoReader", lambda path: pytest.fail("it was decoded"))
    with pytest.raises(MediaError, match="512x512"):
        Limits(megapixels=0.2).check_video(tmp_path / "a.ts")


def test_frames_that_grow_are_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("facediff.media.decoding.MAX_PIXELS", 100_000)
    small = video(tmp_path / "a.ts", 64, 200)  # beyond what is read to tell the size
    (tmp_path / "b.ts").write_bytes(small + video(tmp_path / "a.ts", 512, 5))
    reader = VideoReader(tmp_path / "b.ts")
    assert reader.info.width == 64 and reader.info.fps == Fraction(25)
    assert {frame.shape for frame in reader} == {(64, 64, 3)}
    assert 190 <= len(list(reader)) <= 200


def test_what_is_seen_of_a_video_is_little(tmp_path):
    video(tmp_path / "a.ts", 64, 50)
    assert faces.look(str(tmp_path / "a.ts"), True, Limits()).boxes == []
