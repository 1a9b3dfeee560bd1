"""Whether a manifest holds, whatever became of the file, and whatever a stranger wrote into it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from facediff.errors import MediaError
from facediff.media import VideoWriter
from facediff.provenance.credentials import Credentials
from facediff.provenance.manifest import sealer, sign
from facediff.provenance.manifest_report import ManifestState, read_manifest, report_of
from tests.facediff.provenance.test_manifest import RECORD, write


def test_unsigned_files_have_none(tmp_path):
    report = read_manifest(write(tmp_path / "v.mp4"))
    assert report.state is ManifestState.absent and "may have been removed" in report.meaning
    with pytest.raises(MediaError, match="there is no file"):
        read_manifest(tmp_path / "w.mp4")


def test_a_damaged_file_was_tampered_with_only_if_it_had_one(tmp_path):
    path = write(tmp_path / "v.mp4")
    for is_signed in (False, True):
        if is_signed:
            sign(path, RECORD, Credentials.load(), title="v.mp4")
        half = tmp_path / "half.mp4"
        half.write_bytes(path.read_bytes()[: path.stat().st_size - 100])
        report = read_manifest(half)
        assert report.state is (ManifestState.tampered if is_signed else ManifestState.absent)
        assert bool(report.problems) is is_signed


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], [7], {}, {"a": [1]}, [{"title": 3}], [{"data": [1]}], [{"data": {"actions": 5}}]]
)
def test_manifests_of_strangers_may_hold_anything(odd):
    keys = ("assertions", "claim_generator_info", "ingredients", "signature_info")
    for key in keys:
        content = {"manifests": {"m": {key: odd}}, "active_manifest": "m", "validation_state": "Valid"}
        assert report_of(content).state is ManifestState.valid
    for key in ("manifests", "active_manifest", "validation_results", "validation_state"):
        assert report_of({key: odd}).state is ManifestState.tampered
    actions = [{"label": "c2pa.actions", "data": {"actions": [odd, {"digitalSourceType": odd}]}}]
    content = {"manifests": {"m": {"assertions": actions}}, "active_manifest": "m", "validation_state": "Valid"}
    assert report_of(content).digital_source_type == (odd if isinstance(odd, str) else None)


def test_a_changed_picture_and_a_changed_claim_are_noticed(tmp_path):
    path = write(tmp_path / "v.mp4")
    sign(path, RECORD, Credentials.load(), title="v.mp4")
    signed = path.read_bytes()
    for place in (signed.rindex(b"mdat") + 60, signed.index(b"portrait.jpg"), signed.index(b"trainedAlgorithmic") if
                  b"trainedAlgorithmic" in signed else signed.index(b"TrainedAlgorithmic")):  # fmt: skip
        changed = bytearray(signed)
        changed[place] ^= 1
        path.write_bytes(changed)
        report = read_manifest(path)
        assert report.state is ManifestState.tampered and report.problems, place
        assert "changed after signing" in report.meaning


def test_a_changed_record_is_noticed(tmp_path):
    path = tmp_path / "v.mp4"
    record = replace(RECORD, consent="for one film")
    with VideoWriter(path, (64, 64), Fraction(25), metadata=record.as_metadata(), seal=sealer(record, "v.mp4")) as w:
        w.write(np.zeros((64, 64, 3), np.uint8))
    assert read_manifest(path).state is ManifestState.valid
    path.write_bytes(path.read_bytes().replace(b"for one film", b"for any film"))
    assert read_manifest(path).state is ManifestState.tampered
