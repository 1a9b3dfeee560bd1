"""Through the client that programs use."""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from facediff.demo import learning
from facediff.demo.app import running
from facediff.media import VideoReader, read_image
from facediff.motion.expressions import expressions
from facediff.options import TASKS, options_of
from facediff.options.marks import MarkOptions
from facediff.provenance import ManifestState, verify
from facediff.tasks.identity import attribute_names

ACTIONS = [f"/{tab}{what}" for tab in ("talk", "animate", "edit") for what in ("", "_preview", "_cancel", "_faces")]
ACTIONS += [
    "/style",
    "/style_preview",
    "/style_cancel",
    "/adapt",
    "/adapt_cancel",
    "/drag",
    "/drag_preview",
    "/drag_cancel",
]
SOURCE = ["kind", "portrait", "video", "face"]
TALK = [*SOURCE, "speech", "seed", "steps", "lips", "head", "still"]
ANIMATE = [
    *SOURCE, "driver", "driving", "expression", "region", "lips", "eyes", "brows", "head", "sound", "compare", "steps",
    "seed",
]  # fmt: skip
DOMAIN = ["domain", "domain_file", "prior_strength"]


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def test_every_action_has_a_name(client):
    told = client.view_api(return_format="dict")
    assert sorted(told["named_endpoints"]) == sorted(ACTIONS)
    assert not told["unnamed_endpoints"]
    names = [p["parameter_name"] for p in told["named_endpoints"]["/talk"]["parameters"]]
    assert names[: len(TALK + DOMAIN)] == TALK + DOMAIN  # what came later is sent later
    names = [p["parameter_name"] for p in told["named_endpoints"]["/animate"]["parameters"]]
    assert names[: len(ANIMATE + DOMAIN)] == ANIMATE + DOMAIN
    names = [p["parameter_name"] for p in told["named_endpoints"]["/adapt"]["parameters"]]
    assert names == ["footage", "name", "steps", "seed", "method"]
    names = [p["parameter_name"] for p in told["named_endpoints"]["/edit"]["parameters"]]
    assert names[:7] == ["kind", "portrait", "video", "face", "seed", "smile", "mouth_open"]
    assert {name.replace("-", "_") for name in attribute_names("base")} < set(names)


@pytest.mark.parametrize("task", TASKS)
def test_the_page_has_every_option_that_is_for_it(client, task):
    told = client.view_api(return_format="dict")["named_endpoints"][f"/{task}"]["parameters"]
    shown = {p["parameter_name"]: p for p in told}
    options = {**options_of(TASKS[task]), **options_of(MarkOptions)}
    wanted = {name: option for name, option in options.items() if option.opt.page}
    assert "timestamp" not in shown  # a page must not be made to call addresses of strangers
    strengths = (
        {name.replace("-", "_") for name in (*expressions(), *attribute_names("base"))} if task == "edit" else set()
    )
    others = {*SOURCE, "speech", "driver", "driving", "expression", "domain_file", "background_file"} | strengths
    assert set(shown) - others == set(wanted)
    for name, option in wanted.items():
        if option.default is not None:
            assert shown[name]["parameter_default"] == option.default, name


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
    found = verify(picture["value"])
    assert found.watermark.is_found and found.manifest.state is ManifestState.valid and found.record.task == "talk"


def test_what_is_made_has_the_label_that_is_asked_for(client, uploads):
    asked = {"portrait": handle_file(uploads / "portrait.png"), "smile": -0.5, "api_name": "/edit_preview"}
    plain, labelled = (
        read_image(client.predict(**asked, **marks)[1]["value"])
        for marks in ({}, {"label": "de", "label_corner": "top-left", "label_size": 8, "aigc": "X"})
    )
    assert (plain[:60, :200] != labelled[:60, :200]).mean() > 0.5
    with pytest.raises(AppError, match="Label is one line of 1 to 60 letters"):
        client.predict(**asked, label="x" * 61)


def test_a_portrait_takes_over_an_expression(client, uploads):
    _, picture, _ = client.predict(
        portrait=handle_file(uploads / "portrait.png"), driver="Picture",
        expression=handle_file(uploads / "portrait.png"), steps=1, api_name="/animate_preview",
    )  # fmt: skip
    assert read_image(picture["value"]).shape == (512, 512, 3)


def test_the_face_of_a_picture_performs_a_video(client, uploads):
    told = client.view_api(return_format="dict")["named_endpoints"]["/style"]["parameters"]
    assert [p["parameter_name"] for p in told][:3] == ["video", "like", "face_shape"]
    asked = {"video": handle_file(uploads / "presenter.mp4"), "api_name": "/style_preview"}
    like = handle_file(uploads / "portrait.png")
    made = [client.predict(like=like, face_shape=share, **asked)[1]["value"] for share in (0.0, 1.0)]
    own, shaped = (read_image(path) for path in made)
    assert own.shape == (512, 512, 3) and (own != shaped).any()
    found = verify(made[0])
    assert found.record.task == "style" and [part.role for part in found.record.inputs] == ["source", "like"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"like": "portrait.png"}, "Choose a video first"),
        ({"video": "short.mp4"}, "Choose a picture of who is to be seen first"),
        ({"video": "short.mp4", "like": "grey.png"}, "o human face was found in .*grey.png"),
        ({"video": "short.mp4", "like": "short.mp4"}, "^short.mp4 cannot be read as a picture"),
    ],
)
def test_what_cannot_perform_is_told_in_sentences(client, uploads, given, said):
    with pytest.raises(AppError, match=said):
        client.predict(**{k: handle_file(uploads / v) for k, v in given.items()}, api_name="/style")


def test_a_portrait_looks_otherwise(client, uploads):
    portrait = handle_file(uploads / "portrait.png")
    _, picture, _ = client.predict(portrait=portrait, smile=-1.0, brows_up=0.5, beard=1.0, api_name="/edit_preview")
    assert (read_image(picture["value"]) != read_image(uploads / "portrait.png")).any()
    with pytest.raises(AppError, match="Move a slider first"):
        client.predict(portrait=portrait, api_name="/edit")


def test_points_of_a_portrait_are_dragged(client, uploads):
    asked = {"portrait": handle_file(uploads / "portrait.png"), "api_name": "/drag_preview"}
    picture = read_image(client.predict(strokes="223,131:233,131", **asked)[1]["value"])
    assert np.abs(picture.astype(int) - read_image(uploads / "portrait.png"))[100:160, 190:260].mean() > 3
    for given, said in (
        ({}, "Click a point of the face"), ({"strokes": "5,5:9,9"}, "Stroke 1 begins at 5,5, off the face"),
        ({"strokes": "223,131:"}, "Click where the last point goes"),
    ):  # fmt: skip
        with pytest.raises(AppError, match=said):
            client.predict(**asked, **given)


def test_a_portrait_stands_before_what_is_chosen_and_no_file_of_the_server(client, uploads):
    portrait = handle_file(uploads / "portrait.png")
    asked = {"portrait": portrait, "smile": 0.3, "api_name": "/edit_preview"}
    for behind in ({"background": "#00b140"}, {"background_file": handle_file(uploads / "grey.png")}):
        corner = read_image(client.predict(**asked, **behind)[1]["value"])[:8, -8:].reshape(-1, 3)
        assert corner.std(axis=0).max() < 4  # the watermark is in it
    with pytest.raises(AppError, match="Choose a background from the list"):
        client.predict(**asked, background="/etc/hostname")


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


@pytest.mark.slow
def test_a_presenter_is_learnt_and_speaks(client, uploads, monkeypatch):
    monkeypatch.setattr(learning, "PREVIEW_S", 0.2)
    footage = [handle_file(uploads / name) for name in ("presenter.mp4", "short.mp4")]
    preview, model, said = client.predict(footage=footage, name="Ada L.", steps=3, api_name="/adapt")
    assert said.startswith("Learnt from 4.2 s of 2 videos in ")
    assert len(list(VideoReader(preview))) == 5
    archive = Path(model["value"])
    assert archive.name == "Ada-L.zip"
    with zipfile.ZipFile(archive) as file:
        assert json.loads(file.read("domain.json"))["name"] == "Ada L."
    asked = {"kind": "Video", "video": handle_file(uploads / "short.mp4"), "speech": handle_file(uploads / "short.mp4")}
    adapted = {"domain_file": handle_file(archive)}
    plain, alone, prior = (
        read_image(client.predict(**asked, **how, api_name="/talk_preview")[1]["value"])
        for how in ({}, {**adapted, "prior_strength": 0}, {**adapted, "prior_strength": 1})
    )
    assert (plain != alone).any() and (alone != prior).any()
    _, picture, _ = client.predict(
        portrait=handle_file(uploads / "portrait.png"), driver="Picture",
        expression=handle_file(uploads / "portrait.png"), **adapted, api_name="/animate_preview",
    )  # fmt: skip
    assert read_image(picture["value"]).shape == (512, 512, 3)


@pytest.mark.slow
def test_learning_is_cancelled(client, uploads):
    job = client.submit(footage=[handle_file(uploads / "presenter.mp4")], steps=5000, api_name="/adapt")
    while not (progress := job.status().progress_data) or " of 5000 steps" not in str(progress[0].desc):
        assert not job.done()
        time.sleep(0.1)
    started = time.monotonic()
    assert client.predict(api_name="/adapt_cancel") == "Cancelled."
    assert job.result(timeout=30)[2] == "Cancelled."
    assert time.monotonic() - started < 10
    results = Path(os.environ["GRADIO_TEMP_DIR"]) / "results"
    assert not list(results.rglob("000.mp4")) and not list(results.rglob("*.work"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "Choose some videos first"),
        (["short.mp4"] * 4, "4 videos were given; at most 3 are taken"),
        (["short.mp4"], "^Footage shows a face in 8 frames only"),
        (["portrait.png"], "^portrait.png is no video"),
    ],
)
def test_footage_is_refused_in_words(client, uploads, files, said):
    with pytest.raises(AppError, match=said):
        client.predict(footage=[handle_file(uploads / name) for name in files], steps=1, api_name="/adapt")


@pytest.mark.slow
def test_what_is_folded_away_tells_in_the_picture(client, uploads):
    asked = {name: handle_file(uploads / "short.mp4") for name in ("video", "speech")}

    def shown(**options):
        _, picture, _ = client.predict(**asked, kind="Video", steps=1, **options, api_name="/talk_preview")
        return read_image(picture["value"])

    plain = shown()
    np.testing.assert_array_equal(shown(scheduler="usual", fps=0, text="", prior="own", guidance_scale=1.0), plain)
    for options in ({"paint": False}, {"guidance_scale": 5.0}, {"scheduler": "euler-a"}):
        assert (shown(**options) != plain).any(), options
    assert shown(fps=10).shape == plain.shape  # a video takes another rate
    with pytest.raises(AppError, match="give a domain too"):
        shown(text="a man")
    with pytest.raises(AppError, match="not in the list of choices"):
        shown(prior="/etc")


def test_what_is_no_domain_model_is_refused_in_words(client, uploads):
    asked = {name: handle_file(uploads / "short.mp4") for name in ("video", "speech")}
    for tab, more in (("/talk", {}), ("/animate", {"driving": asked["video"]})):
        given = {"kind": "Video", "video": asked["video"], **(more or {"speech": asked["speech"]})}
        with pytest.raises(AppError, match=r"^portrait\.png cannot be read as a domain model"):
            client.predict(**given, domain_file=handle_file(uploads / "portrait.png"), api_name=tab)
    with pytest.raises(AppError, match="not in the list of choices"):
        client.predict(**asked, kind="Video", domain="/etc", api_name="/talk")


def test_a_strength_without_a_domain_means_nothing(client, uploads):
    asked = {"kind": "Video", "video": handle_file(uploads / "short.mp4"), "speech": handle_file(uploads / "short.mp4")}
    pictures = [
        client.predict(**asked, prior_strength=strength, api_name="/talk_preview")[1]["value"]
        for strength in ("best", 0.5)
    ]
    np.testing.assert_array_equal(*map(read_image, pictures))


def test_the_module_is_the_command(monkeypatch, capsys):
    """In this interpreter: gradio takes seconds to import."""
    monkeypatch.setattr(sys, "argv", ["demo", "--max-seconds", "0"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("facediff.demo", run_name="__main__")
    assert end.value.code == 2
    assert "facediff: the limit of seconds must be above 0, not 0" in capsys.readouterr().err


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
