"""Records come back as they were; what is no record, or a bad one, is said to be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from facediff.errors import ConfigError, MediaError
from facediff.provenance import Ingredient, Record

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


def test_it_comes_back_as_it_was():
    again = Record.from_json(RECORD.to_json())
    assert again == RECORD and again.inputs[0].name == RECORD.inputs[0].name
    assert RECORD.to_json().isascii() and RECORD.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert {"facediff", "torch", "numpy"} <= set(again.versions)


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
