"""The live page: what a call is refused for, and one in a browser whose microphone and camera play what is known."""

from __future__ import annotations

import os
import shutil
import wave

import numpy as np
import pytest
from skimage.data import astronaut, coffee
from starlette.testclient import TestClient

pytest.importorskip("aiortc")

from facediff.avatar import Avatar
from facediff.cli import app as commands
from facediff.demo.calls import PLACE, Calls, LiveRoutes, live_app, serve
from facediff.demo.limits import Limits
from facediff.errors import OutputError
from facediff.media import read_image, write_image

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
OFFER = {"sdp": "v=0 nonsense"}


@pytest.fixture
def calls():
    made = Calls(astronaut(), Limits(megabytes=1), paint=False)
    yield made
    made.stop()


@pytest.fixture
def client(calls):
    return TestClient(live_app(calls))


def test_the_page_fetches_nothing_from_elsewhere_and_shows_the_portrait(client, tmp_path) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "http://" not in page.text and "https://" not in page.text
    (tmp_path / "still.jpg").write_bytes(client.get("/portrait").content)
    assert np.abs(read_image(tmp_path / "still.jpg").astype(int) - astronaut()).mean() < 4


@pytest.mark.slow
def test_an_offer_that_is_none_is_refused_and_the_next_may_come(client, calls) -> None:
    for _ in range(2):
        answer = client.post("/calls", files={"sdp": (None, OFFER["sdp"])})
        assert answer.status_code == 409 and answer.json()["error"].endswith("reload the page")
    assert not calls._calls


def test_a_portrait_without_a_face_is_refused(client, tmp_path) -> None:
    write_image(tmp_path / "cup.jpg", coffee())
    answer = client.post("/calls", data=OFFER, files={"portrait": (tmp_path / "cup.jpg").read_bytes()})
    assert answer.status_code == 409 and "face" in answer.json()["error"]


def test_what_is_no_picture_is_refused_without_where_it_lies(client) -> None:
    answer = client.post("/calls", data=OFFER, files={"portrait": b"no picture"})
    assert answer.status_code == 409
    assert (
        answer.json()["error"] == "the portrait cannot be read as a picture: it is corrupt, empty or of an unknown kind"
    )


def test_of_several_faces_of_a_portrait_the_largest_answers(calls, tmp_path) -> None:
    small = astronaut()[20:212, 130:322]
    twice = np.kron(small, np.ones((2, 2, 1), np.uint8))
    both = np.hstack([np.vstack([small, np.full((192, 192, 3), 128, np.uint8)]), twice])
    write_image(tmp_path / "both.png", both)
    avatar = calls._avatar((tmp_path / "both.png").read_bytes())
    assert avatar.track.points[0][:, 0].mean() > 192


def test_too_much_at_once_is_refused_unread_and_other_pages_begin_no_call(client) -> None:
    assert client.post("/calls", data=OFFER, files={"portrait": bytes(2_000_000)}).status_code == 413
    assert client.post("/calls", data=OFFER, headers={"origin": "https://elsewhere.example"}).status_code == 403


def test_one_is_live_at_a_time(client, calls) -> None:
    calls._begun = 1
    answer = client.post("/calls", data=OFFER)
    assert answer.status_code == 409 and "somebody else is live" in answer.json()["error"]


def test_it_lies_beside_another_server(calls) -> None:
    async def other(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(LiveRoutes(other, live_app(calls)))
    assert client.get(f"{PLACE}/").status_code == 200 and client.get("/").status_code == 418
    assert client.delete(f"{PLACE}/calls/nobody").status_code == 204


def test_a_port_that_is_taken_is_said(close_up_avatar) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"127.0.0.1:{port}: .*; give another --port"):
            serve(close_up_avatar, "127.0.0.1", port, lambda address: None)


@pytest.fixture
def close_up_avatar() -> Avatar:
    return Avatar.from_image(np.ascontiguousarray(astronaut()[20:212, 130:322]), device="cpu")


def test_a_file_of_speech_and_a_place_for_the_result_belong_together(tmp_path, capsys) -> None:
    write_image(tmp_path / "her.png", astronaut())
    with pytest.raises(SystemExit) as ended:
        commands(["live", str(tmp_path / "her.png"), "-o", str(tmp_path / "out.mp4")])
    assert ended.value.code == 2


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium; CHROMIUM names one")
def test_a_browser_hears_its_microphone_from_a_portrait_that_moves(address, tmp_path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 48000, 0, "NONE", ""))
        swell = np.abs(np.sin(np.arange(4 * 48000) / 9000)) * np.sin(np.arange(4 * 48000) * 2 * np.pi * 200 / 48000)
        sound.writeframes((20000 * swell).astype("<i2").tobytes())
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
             f"--use-file-for-fake-audio-capture={tmp_path / 'tone.wav'}"]  # fmt: skip
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(permissions=["microphone", "camera"]).new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_role("tab", name="Live").click()
        live = page.frame_locator("iframe[title=Live]")
        live.get_by_role("button", name="Begin").click()
        live.get_by_text("Live. What is shown is AI-made").wait_for()
        shown = page.frame(url=lambda url: url.endswith(f"{PLACE}/")).locator("#shown")
        page.wait_for_timeout(1500)
        before = shown.evaluate("v => v.getVideoPlaybackQuality().totalVideoFrames")
        page.wait_for_timeout(2000)
        assert shown.evaluate("v => v.getVideoPlaybackQuality().totalVideoFrames") - before > 10
        assert shown.evaluate("v => [v.videoWidth, v.videoHeight]") == [512, 512]
        loudest = shown.evaluate("""async v => {
            const heard = new AudioContext().createMediaStreamSource(v.srcObject);
            const meter = heard.context.createAnalyser(), kept = new Float32Array(meter.fftSize);
            heard.connect(meter); await heard.context.resume();
            let most = 0;
            for (let k = 0; k < 40; k++) {
              await new Promise(r => setTimeout(r, 50));
              meter.getFloatTimeDomainData(kept); most = Math.max(most, ...kept.map(Math.abs));
            }
            return most }""")
        assert loudest > 0.05
        live.get_by_role("button", name="End").click()
        live.get_by_text("Ended.").wait_for()
        browser.close()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium; CHROMIUM names one")
def test_a_microphone_alone_is_enough(address) -> None:
    api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.add_init_script("""
            const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
            devices.getUserMedia = wanted => wanted.video
              ? Promise.reject(new DOMException("Requested device not found", "NotFoundError")) : ask(wanted)""")
        page.goto(f"{address}{PLACE[1:]}/")
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("Live. What is shown is AI-made").wait_for(timeout=120_000)
        assert not page.get_by_label("camera").is_checked()
        browser.close()
