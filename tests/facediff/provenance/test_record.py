"""Records come back as they were, from files too; what is no record, or a bad one, is said to be."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from facediff.errors import ConfigError, MediaError
from facediff.media import VideoWriter
from facediff.provenance import Ingredient, Record, read_record

RECORD = Record(
    task="talk",
    inputs=(Ingredient("source", "Zoë \udce9 'a'.jpg", "ab" * 32), Ingredient("speech", "s.wav", "cd" * 32)),
    options={"lips": 1.5, "still": True, "fps": None, "scheduler": "unipc"},
    seed=2**63 - 1,
    model="base",
    weights_sha256="ef" * 32,
    is_watermarked=False,
    consent="yes, for the film",
)


def write(path, metadata: dict[str, str] | None = None) -> None:
    plain = path.with_name(f"plain{path.suffix}")
    with VideoWriter(plain, (64, 64), Fraction(25)) as writer:
        for k in range(4):
            writer.write(np.full((64, 64, 3), 30 * k, np.uint8))
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        target.metadata.update(metadata or {})
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def test_it_comes_back_as_it_was():
    again = Record.from_json(RECORD.to_json())
    assert again == RECORD and again.inputs[0].name == RECORD.inputs[0].name
    assert RECORD.to_json().isascii() and RECORD.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert {"facediff", "torch", "numpy"} <= set(again.versions)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v", ".mkv"])
def test_it_comes_back_from_a_file(tmp_path, suffix):
    path = tmp_path / f"v{suffix}"
    write(path, RECORD.as_metadata())
    assert read_record(path) == RECORD


def test_the_longest_record_fits_into_quicktime(tmp_path):
    record = replace(RECORD, consent="é" * 4000)
    write(tmp_path / "v.mov", record.as_metadata())
    assert read_record(tmp_path / "v.mov") == record


@pytest.mark.parametrize("metadata", [{}, {"comment": "holiday"}, {"comment": '{"a": 1}'}, {"title": RECORD.to_json()}])
def test_other_files_have_none(tmp_path, metadata):
    write(tmp_path / "v.mp4", metadata)
    assert read_record(tmp_path / "v.mp4") is None


def test_no_record_is_taken_from_what_is_no_video(tmp_path):
    with pytest.raises(MediaError, match="there is no video"):
        read_record(tmp_path / "none.mp4")
    (tmp_path / "v.mp4").write_text("text")
    with pytest.raises(MediaError, match="cannot be read as a video"):
        read_record(tmp_path / "v.mp4")


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "{}", '{"facediff_record":' + "[" * 9000])
def test_other_texts_are_no_records(text):
    with pytest.raises(MediaError, match="not a record"):
        Record.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [("inputs", 3), ("inputs", [{"role": "x"}]), ("options", [1]), ("options", {"a": []}), ("seed", "x"),
     ("seed", float("inf")), ("versions", None), ("consent", "x" * 5000)],
)  # fmt: skip
def test_damaged_records_are_refused(name, value):
    with pytest.raises(MediaError, match="is damaged"):
        Record.from_json(json.dumps({**json.loads(RECORD.to_json()), name: value}))


def test_later_and_overlong_records_are_refused():
    with pytest.raises(MediaError, match="use a later facediff"):
        Record.from_json(json.dumps({**json.loads(RECORD.to_json()), "facediff_record": 2}))
    with pytest.raises(MediaError, match="40000 characters"):
        Record.from_json(" " * 40000)


def test_what_does_not_fit_is_refused_before_the_work():
    with pytest.raises(ConfigError, match="a consent of 4001 characters"):
        replace(RECORD, consent="x" * 4001)
    with pytest.raises(ConfigError, match="lips is something else"):
        replace(RECORD, options={"lips": [1]})
    with pytest.raises(ConfigError, match="shorten the consent"):
        replace(RECORD, options={str(k): "x" * 100 for k in range(300)}).as_metadata()
