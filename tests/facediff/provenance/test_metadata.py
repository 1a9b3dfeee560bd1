"""Records come back from files as they were; what has none is said to have none."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from facediff.errors import MediaError
from facediff.media import VideoWriter
from facediff.provenance import read_record
from tests.facediff.provenance.test_record import RECORD


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
