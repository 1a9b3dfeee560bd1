"""facediff live, idle."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from facediff.cli import app
from facediff.media import VideoReader, VideoWriter, read_image, write_image
from facediff.provenance.watermark import detect


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def portrait(tmp_path_factory, close_up):
    path = tmp_path_factory.mktemp("portrait") / "face.png"
    write_image(path, close_up)
    return path


def test_a_loop_is_written_marked(portrait, tmp_path, tiny_model):
    out = tmp_path / "idle.mp4"
    done = run("idle", portrait, "--seconds", 2, "--loop", "--model", tiny_model, "-o", out)
    assert done.exit_code == 0, done.output
    frames = list(VideoReader(out))
    assert len(frames) == 50 and detect(frames).is_found


def test_a_stream_is_written_with_its_record_beside_it(portrait, tmp_path, tiny_model):
    from fractions import Fraction

    sound = (0.2 * np.sin(np.arange(16000) / 12)).astype(np.float32)
    speech, out = tmp_path / "speech.mp4", tmp_path / "live.mp4"
    with VideoWriter(speech, (64, 64), Fraction(25), audio=sound[:9600], audio_rate=16000) as writer:
        for _ in range(15):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    done = run("live", portrait, speech, "--model", tiny_model, "--size", 128, "-o", out)
    assert done.exit_code == 0, done.output
    reader = VideoReader(out)
    assert (reader.info.width, reader.info.height) == (128, 128) and reader.info.has_audio
    assert json.loads((tmp_path / "live.json").read_text())["task"] == "live"


def test_a_preview_is_a_picture(portrait, tmp_path, tiny_model):
    done = run("idle", portrait, "--preview", "--model", tiny_model, "-o", tmp_path / "idle.mp4")
    assert done.exit_code == 0, done.output
    assert read_image(tmp_path / "idle.png").shape == (192, 192, 3)


@pytest.mark.parametrize(
    "words",
    [
        ("idle", "nowhere.png", "-o", "out.mp4"),
        ("idle", "{portrait}", "--seconds", "1", "--loop", "-o", "{out}"),
        ("live", "{portrait}", "nowhere.wav", "-o", "{out}"),
        ("live", "{portrait}", "{portrait}", "-o", "{out}"),
        ("idle", "{portrait}", "--fps", "1000", "-o", "{out}"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(words, portrait, tmp_path):
    out = tmp_path / "out.mp4"
    done = run(*(word.format(portrait=portrait, out=out) for word in words))
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []
