"""Through the client that programs use."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from facediff.demo.app import running
from facediff.edits import attribute_names
from facediff.media import VideoReader, read_image

ACTIONS = [f"/{tab}{what}" for tab in ("talk", "animate", "edit") for what in ("", "_preview", "_cancel", "_faces")]


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def test_every_action_has_a_name(client):
    told = client.view_api(return_format="dict")
    assert sorted(told["named_endpoints"]) == sorted(ACTIONS)
    assert not told["unnamed_endpoints"]
    names = [p["parameter_name"] for p in told["named_endpoints"]["/talk"]["parameters"]]
    assert names == ["kind", "portrait", "video", "face", "speech", "seed", "steps", "lips", "head", "still"]
    names = [p["parameter_name"] for p in told["named_endpoints"]["/edit"]["parameters"]]
    assert names[:7] == ["kind", "portrait", "video", "face", "seed", "smile", "mouth_open"]
    assert {name.replace("-", "_") for name in attribute_names("base")} < set(names)


def test_it_listens_to_this_machine_alone(address):
    assert address.startswith("http://127.0.0.1:")


def test_a_portrait_talks(client, uploads):
    video, _, said = client.predict(
        portrait=handle_file(uploads / "portrait.png"), speech=handle_file(uploads / "short.mp4"), steps=1,
        api_name="/talk",
    )  # fmt: skip
    assert said.startswith("8 frames, made in ")
    path = video["value"]["video"] if "video" in video["value"] else video["value"]
    assert len(list(VideoReader(path))) == 8


def test_a_preview_is_one_picture(client, uploads):
    _, picture, _ = client.predict(
        kind="Video", video=handle_file(uploads / "short.mp4"),
        speech=handle_file(uploads / "short.mp4"), steps=1, api_name="/talk_preview",
    )  # fmt: skip
    assert read_image(picture["value"]).shape == (512, 512, 3)


def test_a_portrait_takes_over_an_expression(client, uploads):
    _, picture, _ = client.predict(
        portrait=handle_file(uploads / "portrait.png"), driver="Picture",
        expression=handle_file(uploads / "portrait.png"), steps=1, api_name="/animate_preview",
    )  # fmt: skip
    assert read_image(picture["value"]).shape == (512, 512, 3)


def test_a_portrait_looks_otherwise(client, uploads):
    portrait = handle_file(uploads / "portrait.png")
    _, picture, _ = client.predict(portrait=portrait, smile=-1.0, brows_up=0.5, beard=1.0, api_name="/edit_preview")
    assert (read_image(picture["value"]) != read_image(uploads / "portrait.png")).any()
    with pytest.raises(AppError, match="Move a slider first"):
        client.predict(portrait=portrait, api_name="/edit")


def test_faces_are_offered_where_there_are_several(client, uploads):
    shown, face = client.predict(portrait=handle_file(uploads / "two.png"), api_name="/talk_faces")
    assert shown["visible"] and face["visible"] and face["value"] in (0, 1)
    shown, face = client.predict(portrait=handle_file(uploads / "portrait.png"), api_name="/talk_faces")
    assert not shown["visible"] and not face["visible"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Record or upload some speech first"),
        ({"speech": "short.mp4"}, "Choose a portrait first"),
        ({"speech": "short.mp4", "kind": "Video"}, "Choose a video first"),
        ({"speech": "short.mp4", "portrait": "grey.png"}, "No human face was found in the picture"),
        ({"speech": "short.mp4", "portrait": "two.png", "face": 5}, "Face 5 was asked for"),
        ({"speech": "portrait.png", "portrait": "portrait.png"}, "portrait.png (has no sound|cannot be read)"),
        ({"speech": "short.mp4", "portrait": "short.mp4"}, "^short.mp4 cannot be read as a picture"),
    ],
)
def test_errors_are_sentences(client, uploads, given, said):
    files = {k: handle_file(uploads / v) if k in ("speech", "portrait") else v for k, v in given.items()}
    with pytest.raises(AppError, match=said):
        client.predict(**files, api_name="/talk")


def test_cancelling_ends_the_rendering(client, uploads):
    job = client.submit(
        portrait=handle_file(uploads / "portrait.png"), speech=handle_file(uploads / "long.flac"), api_name="/talk"
    )
    while not (progress := job.status().progress_data) or not progress[0].progress:
        assert not job.done()
        time.sleep(0.1)
    assert client.predict(api_name="/talk_cancel") == "Cancelled."
    started = time.monotonic()
    assert job.result(timeout=30)[2] == "Cancelled."
    assert time.monotonic() - started < 20


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "facediff.demo", "--max-seconds", "0"], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 2
    assert "facediff: the limit of seconds must be above 0, not 0" in done.stderr


def test_nothing_is_left_when_it_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running(port=None) as place:
        assert place.startswith("http://127.0.0.1:")
        assert [p.name.startswith("facediff-demo-") for p in tmp_path.iterdir()] == [True]
    assert not list(tmp_path.iterdir())


def test_a_cleared_seed_is_nought(client, uploads):
    asked = {
        "portrait": handle_file(uploads / "portrait.png"),
        "speech": handle_file(uploads / "short.mp4"),
        "steps": 1,
    }
    pictures = [client.predict(**asked, seed=seed, api_name="/talk_preview")[1]["value"] for seed in (None, 0)]
    np.testing.assert_array_equal(*map(read_image, pictures))
