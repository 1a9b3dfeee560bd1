"""What an input says of itself goes along, broken or not, and what is wrong of it is told."""

from __future__ import annotations

import json
from pathlib import Path

import c2pa
import numpy as np
import pytest
from PIL import Image
from scipy.io.wavfile import write as write_wave
from typer.testing import CliRunner

from facediff import Avatar
from facediff.cli import app
from facediff.media import VideoWriter
from facediff.media.notices import warn_once
from facediff.provenance import Ingredient, ManifestState, read_manifest
from tests.signed import CAPTURED, PICTURE, change, clip_of, record_of, sign_as_camera


@pytest.fixture(autouse=True)
def nothing_said_before():
    warn_once.cache_clear()


@pytest.fixture
def portrait(tmp_path) -> Path:
    Image.fromarray(PICTURE).save(tmp_path / "her.png")
    return sign_as_camera(tmp_path / "her.png", "image/png")


def make(kind: str, path: Path) -> Path:
    """A file of a kind that a camera signed."""
    suffix = kind.partition("/")[2]
    if kind.startswith("image"):
        Image.fromarray(PICTURE).save(path, suffix)
    elif kind.startswith("video"):
        with VideoWriter(path.with_suffix(".mp4"), (64, 64), 25) as writer:
            writer.write(PICTURE[:64, :64])
        path.with_suffix(".mp4").rename(path)
    else:
        write_wave(path, 16000, np.zeros(1600, np.int16))
    return sign_as_camera(path, kind)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", "video/mp4", "audio/wav"])
def test_a_manifest_of_any_kind_of_file_is_kept_whatever_the_file_is_called(tmp_path, kind, caplog):
    source = make(kind, tmp_path / "source.bin")
    made = clip_of(record_of(source)).save(tmp_path / "made.mp4")
    report = read_manifest(made)
    (kept,) = report.kept
    assert report.state is ManifestState.valid and report.ingredients == ("source.bin",)
    assert (kept.name, kept.state, kept.generator) == ("source.bin", ManifestState.valid, "camera 1")
    assert kept.digital_source_type == CAPTURED and not caplog.records
    with c2pa.Reader(made) as reader:  # what any other program finds
        content = json.loads(reader.json())
        manifests, active = content["manifests"], content["active_manifest"]
    assert sorted(one["title"] for one in manifests.values()) == ["made.mp4", "source.bin"]
    assertions = {one["label"]: one["data"] for one in manifests[active]["assertions"]}
    (action,) = assertions["c2pa.actions.v2"]["actions"]
    assert [one["url"].rpartition("/")[2] for one in action["parameters"]["ingredients"]] == ["c2pa.ingredient.v3"]


def test_what_was_made_of_what_was_made_keeps_all_that_lies_behind_it(portrait, tmp_path):
    first = clip_of(record_of(portrait)).save(tmp_path / "first.mp4")
    second = clip_of(record_of(first, portrait)).save(tmp_path / "second.mp4")
    assert [(one.name, one.generator.split()[0]) for one in read_manifest(second).kept] in (
        [("first.mp4", "facediff"), ("her.png", "camera")], [("her.png", "camera"), ("first.mp4", "facediff")],
    )  # fmt: skip
    assert read_manifest(second).state is ManifestState.valid


def test_one_file_may_be_both_inputs(portrait, tmp_path):
    made = clip_of(record_of(portrait, portrait)).save(tmp_path / "made.mp4")
    assert [one.name for one in read_manifest(made).kept] == ["her.png"] * 2


@pytest.mark.parametrize(
    ("text", "problem"), [(b"IDAT", "assertion.dataHash.mismatch"), (b"camera", "claimSignature.mismatch")]
)
def test_a_broken_manifest_is_kept_with_what_is_wrong_of_it(portrait, tmp_path, caplog, text, problem):
    broken = change(portrait, text, "broken.png")
    record = record_of(broken)
    assert [one.getMessage() for one in caplog.records] == [
        f"broken.png or its C2PA manifest was changed after signing ({problem}); the manifest is kept in the result "
        "with what is wrong of it"
    ]
    report = read_manifest(clip_of(record).save(tmp_path / "made.mp4"))
    assert report.state is ManifestState.valid  # it is about the result
    assert report.kept[0].state is ManifestState.tampered and report.kept[0].problems == (problem,)


def test_one_that_is_past_reading_is_told_and_the_work_goes_on(portrait, tmp_path, caplog):
    record = record_of(change(portrait, b"jumdc2ma", "broken.png"))
    (said,) = [one.getMessage() for one in caplog.records]
    assert "C2PA manifest of broken.png" in said and "\n" not in said
    assert read_manifest(clip_of(record).save(tmp_path / "made.mp4")).state is ManifestState.valid


def test_one_that_contradicts_another_is_left_out_before_the_work_and_told(portrait, tmp_path, caplog):
    broken = change(portrait, b"camera", "broken.png")
    report = read_manifest(clip_of(record_of(portrait, broken)).save(tmp_path / "made.mp4"))
    assert report.state is ManifestState.valid and [one.name for one in report.kept] == ["her.png"]
    assert sorted(report.ingredients) == ["broken.png", "her.png"]
    assert "the C2PA manifest of broken.png cannot be kept beside the others" in caplog.text


def test_files_without_one_cost_no_library_and_say_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(c2pa, "Reader", None)
    Image.fromarray(PICTURE).save(tmp_path / "plain.png")
    (tmp_path / "talk.txt").write_bytes(b"of jumdc2pa and other things")
    for name in ("plain.png", "talk.txt"):
        assert Ingredient.of_file("source", tmp_path / name).manifest is None
    assert not caplog.records


def test_a_manifest_that_lies_elsewhere_is_not_fetched_and_this_is_told(tmp_path, caplog):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
        b'dcterms:provenance="https://manifests.example/1.c2pa"/></rdf:RDF></x:xmpmeta>'
    )
    Image.fromarray(PICTURE).save(tmp_path / "far.jpg", xmp=xmp)
    assert Ingredient.of_file("source", tmp_path / "far.jpg").manifest is None
    assert caplog.messages == [
        "the C2PA manifest of far.jpg lies on manifests.example and not in it; it is not fetched, so not kept"
    ]


def test_records_do_not_hold_it_and_saved_avatars_do(portrait, tmp_path, close_up):
    Image.fromarray(close_up).save(portrait)
    avatar = Avatar.from_image(sign_as_camera(portrait, "image/png"), device="cpu")
    record = avatar.edit(smile=0.5).record
    assert record.inputs[0].manifest and "manifest" not in record.to_json()
    avatar.save(tmp_path / "kept")
    assert Avatar.load(tmp_path / "kept").edit(smile=0.5).record.inputs[0].manifest == record.inputs[0].manifest


def test_verify_and_info_show_it(portrait, tmp_path):
    made = clip_of(record_of(portrait)).save(tmp_path / "made.mp4")
    for command in ("verify", "info"):
        shown = CliRunner().invoke(app, [command, str(made)]).stdout
        assert f"its source   her.png: C2PA valid, made by camera 1, {CAPTURED}" in shown
    broken = clip_of(record_of(change(portrait, b"IDAT", "b.png"))).save(tmp_path / "made.mp4")
    result = CliRunner().invoke(app, ["verify", str(broken)])
    assert result.exit_code == 0 and "b.png: C2PA tampered" in result.stdout
    assert "assertion.dataHash.mismatch" in result.stdout
