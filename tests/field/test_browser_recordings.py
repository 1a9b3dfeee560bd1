"""What a browser records is in time, picture and sound, in every container that it offers."""

from __future__ import annotations

import base64
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.media import VideoReader
from facediff.media.kinds import is_video

api = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium; CHROMIUM names one")]

KINDS = ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/mp4;codecs=vp9,opus"]
# A face in front of a lamp that turns white when a tone sets in, a second after the recording has begun.
RECORD = """async ([kind, face]) => {
    if (!MediaRecorder.isTypeSupported(kind)) return null;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 192;
    const picture = new Image();
    picture.src = face;
    await picture.decode();
    const pen = canvas.getContext('2d'), sounds = new AudioContext({sampleRate: 48000});
    await sounds.resume();
    const tone = sounds.createOscillator(), volume = sounds.createGain(), heard = sounds.createMediaStreamDestination();
    volume.gain.value = 0;
    tone.connect(volume).connect(heard);
    tone.start();
    const stream = canvas.captureStream(30);
    stream.addTrack(heard.stream.getAudioTracks()[0]);
    let white = false, frame = 0;
    const draw = setInterval(() => {
        pen.fillStyle = white ? `rgb(255,255,${250 + frame % 2})` : `rgb(0,0,${frame % 2 * 8})`;
        pen.drawImage(picture, 0, 0);
        pen.fillRect(0, 0, 32, 32);
        frame += 1;
    }, 33);
    const recorder = new MediaRecorder(stream, {mimeType: kind}), parts = [];
    recorder.ondataavailable = event => parts.push(event.data);
    const ended = new Promise(resolve => recorder.onstop = resolve);
    recorder.start(200);
    await new Promise(resolve => setTimeout(resolve, 1200));
    white = true;
    volume.gain.value = 0.5;
    await new Promise(resolve => setTimeout(resolve, 1200));
    recorder.stop();
    await ended;
    clearInterval(draw);
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
}"""


@pytest.fixture(scope="module")
def page():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_is_in_time_and_speaks_and_drives_in_time(page, tmp_path, kind):
    face = tmp_path / "face.png"
    Image.fromarray(np.ascontiguousarray(astronaut()[20:212, 130:322])).save(face)
    recorded = page.evaluate(RECORD, [kind, "data:image/png;base64," + base64.b64encode(face.read_bytes()).decode()])
    if recorded is None:
        pytest.skip(f"this browser records no {kind}")
    path = tmp_path / f"recording.{kind.partition('/')[2].partition(';')[0]}"
    path.write_bytes(base64.b64decode(recorded))
    assert is_video(path)
    reader, wave = VideoReader(path), load_wave(path)
    light = np.array([frame[4:28, 4:28].mean() for frame in reader])
    assert 24 <= reader.info.fps <= 60
    assert len(light) / float(reader.info.fps) == pytest.approx(2.4, abs=0.5)
    seen = float(np.argmax(light > 128) / reader.info.fps)
    heard = float(np.argmax(np.abs(wave) > 0.05) / 16000)
    assert seen == pytest.approx(1.2, abs=0.4)
    assert heard == pytest.approx(seen, abs=0.08)
    for command, more in (("talk", ["--fps", "10"]), ("animate", ["--sound"])):
        made = tmp_path / f"{command}.mp4"
        result = CliRunner().invoke(app, [command, str(face), str(path), "-o", str(made), "--no-paint", *more])
        assert result.exit_code == 0, result.output
        again = load_wave(made)
        assert float(np.argmax(np.abs(again) > 0.05) / 16000) == pytest.approx(heard, abs=0.03), command
