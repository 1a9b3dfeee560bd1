"""Captions: words where the voice is, lines that break where sentences end, files as WebVTT has them."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.captions import LONGEST_LINE, divide_words, write_captions
from facediff.errors import OutputError
from facediff.types import Word


def test_words_are_divided_over_what_is_voiced() -> None:
    rng = np.random.default_rng(0)
    wave = 1e-4 * rng.normal(size=64000).astype(np.float32)
    for start, stop in ((8000, 24000), (40000, 56000)):
        wave[start:stop] += 0.2 * np.sin(np.arange(stop - start) / 16000 * 2 * np.pi * 300).astype(np.float32)
        wave[start:stop] *= 1 + 0.5 * np.sin(np.arange(stop - start) / 400).astype(np.float32)
    one, two, three, four = divide_words("alpha beta gamma zeta", wave)
    assert 0.3 < one.start < 0.7 and two.end < 1.8
    assert three.start > 2.2 and 3.3 < four.end < 3.8
    assert one.end <= two.start + 1e-6 < three.start < four.start
    assert divide_words(" ", wave) == ()


def test_silence_is_divided_all_the_same() -> None:
    words = divide_words("one two", np.zeros(16000, np.float32))
    assert words[0].start == 0 and words[1].end == pytest.approx(1, abs=0.02)


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
