"""Who says what, as text."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.options import TalkOptions
from facediff.options.speakers import choose_faces, hide_speaker_folders, place_speakers, read_speakers


def test_files_by_place():
    assert read_speakers(None) == {}
    assert read_speakers("left=anna.wav, right=my, own; voice.wav") == {
        "left": "anna.wav",
        "right": "my, own; voice.wav",
    }
    assert read_speakers("0=a=b.wav,12=c.wav") == {"0": "a=b.wav", "12": "c.wav"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "speakers are 1 to 8"),
        ("anna.wav", "speakers reads as in 'left=anna.wav"),
        ("middle=anna.wav", "speakers reads as in"),
        ("left=", "speakers reads as in"),
        ("left=a.wav, left=b.wav", "two voices for one face, left: a.wav and b.wav"),
        (", ".join(f"{k}={k}.wav" for k in range(9)), "1 to 8"),
    ],
)
def test_what_does_not_read_is_refused_with_the_options(text, said):
    with pytest.raises(ConfigError, match=said):
        TalkOptions(speakers=text)


def test_left_and_right_are_faces_of_the_picture():
    assert choose_faces({"left": "a", "right": "b"}, 3) == {0: "a", 2: "b"}
    assert choose_faces({"1": "a"}, 2) == {1: "a"}


@pytest.mark.parametrize(
    ("speakers", "count", "said"),
    [
        ({"2": "a"}, 2, "by number from 0, the leftmost, to 1 here, not 2"),
        ({"left": "a", "0": "b"}, 2, "two voices for one face, a and b"),
        ({"left": "a", "right": "b"}, 1, "the picture shows 1"),
    ],
)
def test_nobody_has_two_voices_and_nobody_is_made_up(speakers, count, said):
    with pytest.raises(ConfigError, match=said):
        choose_faces(speakers, count)


def test_paths_count_from_a_folder_and_records_hide_it(tmp_path):
    placed = place_speakers("left=a.wav, right=/b.wav", tmp_path)
    assert read_speakers(placed) == {"left": str(tmp_path / "a.wav"), "right": "/b.wav"}
    assert hide_speaker_folders(placed) == "left=a.wav, right=b.wav"
