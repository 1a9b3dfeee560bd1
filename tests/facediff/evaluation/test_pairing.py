from __future__ import annotations

import pytest

from facediff.errors import InputError
from facediff.evaluation.pairing import find_items


@pytest.fixture
def folder(tmp_path):
    for name in ("made/a.mp4", "made/b.mp4", "made/list.pdf", "made/a.txt", "true/a.mov", "true/a.mkv", "true/a.png",
                 "words/a.txt", "speech/b.flac", "face.png"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a woman speaks\n")
    return tmp_path


def test_videos_of_a_folder_have_companions_of_their_names(folder) -> None:
    found = find_items([folder / "made"], truth=folder / "true", speech=folder / "speech", portrait=folder / "face.png",
                       text=str(folder / "words"))  # fmt: skip
    a, b = found.items
    assert a.made == folder / "made/a.mp4" and a.truth == folder / "true/a.mkv" and a.speech is None
    assert b.truth is None and b.speech == folder / "speech/b.flac"
    assert a.portrait == b.portrait == folder / "face.png"
    assert a.text == "a woman speaks" and b.text is None
    told = "\n".join(found.notes)
    assert "list.pdf is no video" in told and "a.txt" not in told
    assert "a.mp4 has several of its name" in told and "b.mp4 has no truth of its name" in told


def test_words_are_words_where_they_name_no_file(folder) -> None:
    assert find_items([folder / "made/a.mp4"], text="a man laughs").items[0].text == "a man laughs"


def test_what_is_not_there_is_refused(folder) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        find_items([folder / "gone"])
    with pytest.raises(InputError, match="there is no video in"):
        find_items([folder / "words"])
    with pytest.raises(InputError, match=r"no file or folder at .*truth\.mp4"):
        find_items([folder / "made/a.mp4"], truth=folder / "truth.mp4")
