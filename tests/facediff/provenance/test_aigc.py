"""China's label has the standard's fields, where its readers look for them."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import pytest

from facediff.errors import ConfigError
from facediff.provenance import ManifestState, verify
from facediff.provenance.aigc import FIELDS, aigc_json, read_aigc
from tests.signed import clip_of, record_of

RECORD = record_of()


def test_a_name_makes_a_label_with_all_fields_in_their_order():
    fields = json.loads(aigc_json(" 公司 X ", RECORD))
    assert tuple(fields) == FIELDS and fields["Label"] == "1" and fields["ContentProducer"] == "公司 X"
    assert len(fields["ProduceID"]) == 32 and not any(fields[name] for name in FIELDS[3:])
    assert json.loads(aigc_json("公司 X", RECORD)) == fields  # the same clip
    assert json.loads(aigc_json("公司 X", replace(RECORD, seed=1)))["ProduceID"] != fields["ProduceID"]


def test_fields_may_be_given_as_json():
    given = {"ContentProducer": "a", "ProduceID": "7", "ReservedCode1": "r", "PropagateID": "p"}
    assert json.loads(aigc_json(json.dumps(given), RECORD)) == dict.fromkeys(FIELDS, "") | {"Label": "1"} | given


@pytest.mark.parametrize("asked", ["{", '{"Producer": "a"}', '{"ContentProducer": 7}', '{"Label": null}'])
def test_what_is_no_such_object_is_refused_before_anything_is_rendered(asked, tmp_path):
    with pytest.raises(ConfigError, match="^aigc is (no JSON|an object whose fields are texts)"):
        clip_of(RECORD).save(tmp_path / "a.mp4", aigc=asked)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_a_video_has_it_among_its_keys_and_the_record_too(tmp_path, suffix):
    path = clip_of(RECORD).save(tmp_path / f"a{suffix}", aigc="公司 X")
    with av.open(str(path)) as container:
        kept = json.loads(container.metadata["AIGC"])
    found = verify(path)
    assert kept["ContentProducer"] == "公司 X" and found.aigc == kept
    assert found.record is not None and found.record.options == {"aigc": "公司 X"} and found.record_problem is None
    assert found.manifest.state is (ManifestState.absent if suffix == ".mkv" else ManifestState.valid)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_has_it_in_its_xmp(tmp_path, suffix):
    assert (
        verify(clip_of(RECORD).save_frame(tmp_path / f"a{suffix}", aigc="<a & b>")).aigc["ContentProducer"] == "<a & b>"
    )


def test_without_it_there_is_none(tmp_path):
    path = clip_of(RECORD).save(tmp_path / "a.mp4")
    assert verify(path).aigc is None and b"AIGC" not in path.read_bytes()


@pytest.mark.parametrize("text", [None, 7, "", "x", "[]", "{}", '{"a": 1}', "[" * 9000, '"Label"'])
def test_of_strangers_anything_may_come(text):
    assert read_aigc(text) is None
    assert read_aigc('{"Label": 1, "more": [2]}') == {"Label": "1"}
