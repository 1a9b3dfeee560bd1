"""All files that options name, wherever they are named."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.options import TalkOptions
from facediff.options.files import hide_paths, named_files, place_files

OPTIONS = TalkOptions(head_from="/x/nod.mp4=0.5", background="/y/office.jpg", speakers="left=/z/anna.wav")


def test_files_are_told_by_what_they_give():
    assert named_files(OPTIONS) == {"head": "/x/nod.mp4", "background": "/y/office.jpg", "speech left": "/z/anna.wav"}
    assert named_files(vars(OPTIONS)) == named_files(OPTIONS)
    assert named_files(TalkOptions(background="blur")) == {}


def test_records_hide_where_they_lie():
    assert hide_paths(OPTIONS) == {
        "head_from": "nod.mp4=0.5", "background": "office.jpg", "speakers": "left=anna.wav"
    }  # fmt: skip


def test_each_option_is_placed_as_it_reads(tmp_path):
    assert place_files("background", "blur", tmp_path) == "blur"
    assert place_files("speakers", "left=a.wav", tmp_path) == f"left={tmp_path / 'a.wav'}"
    assert place_files("head_from", "nod.mp4=0.5", tmp_path) == f"{tmp_path / 'nod.mp4'}=0.5"
    with pytest.raises(ConfigError, match="speakers reads as in"):
        place_files("speakers", "a.wav", tmp_path)
