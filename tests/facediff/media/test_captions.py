"""Captions: lines that break where sentences end, files as WebVTT has them."""

from __future__ import annotations

import pytest

from facediff.errors import OutputError
from facediff.media.captions import LONGEST_LINE, write_captions
from facediff.types import Word


def test_a_file_of_captions(tmp_path) -> None:
    spoken = "Hello <there> & all. This is a second sentence that goes on for longer than a line may be."
    words = [Word(text, k * 0.5, k * 0.5 + 0.4) for k, text in enumerate(spoken.split())]
    text = write_captions(words, tmp_path / "a.vtt").read_text()
    head, *blocks = text.strip().split("\n\n")
    assert head == "WEBVTT"
    assert blocks[0] == "00:00:00.000 --> 00:00:01.900\nHello &lt;there&gt; &amp; all."
    assert all(len(block.splitlines()[1]) <= LONGEST_LINE + 10 for block in blocks)
    assert " ".join(block.splitlines()[1] for block in blocks).endswith("than a line may be.")
    late = write_captions([Word("x", 3661.5, 3662.0)], tmp_path / "b.vtt").read_text()
    assert "01:01:01.500 --> 01:01:02.000" in late


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_captions([Word("x", 0, 1)], tmp_path / "file" / "a.vtt")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
