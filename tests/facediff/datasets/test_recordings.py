from pathlib import Path

import pytest

from facediff.datasets.recordings import read_recordings
from facediff.errors import InputError

HEADER = "file,split,kind,identity,licence,sound\n"
ROWS = """\
a/one.mp4,train,av,ann,CC BY 4.0,
a/two.mp4,train,av,ann,CC BY 4.0,separate: two.flac
a/three.mp4,train,silent,bob,CC BY-NC 4.0 (Non-Commercial),three.wav
four.png,train,still,cid,CC0,
five.mp4,test,av,dan,CC BY 4.0,unknown
"""


def table(folder: Path, text: str = HEADER + ROWS) -> Path:
    for name in ("a/one.mp4", "a/two.mp4", "a/two.flac", "a/three.mp4", "four.png", "five.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "clips.csv").write_text(text, encoding="utf-8")
    return folder / "clips.csv"


def names(*args, **options) -> list[str]:
    return [clip.name for clip in read_recordings(*args, **options)]


def test_rows_of_a_split_in_the_order_of_the_table(tmp_path) -> None:
    clips = read_recordings(table(tmp_path))
    assert [c.name for c in clips] == ["a/one.mp4", "a/two.mp4", "a/three.mp4", "four.png"]
    assert [c.kind for c in clips] == ["av", "av", "silent", "still"]
    assert [c.identity for c in clips] == ["ann", "ann", "bob", "cid"]
    assert clips[3].path == tmp_path / "four.png"
    assert names(tmp_path / "clips.csv", split="test") == ["five.mp4"]


def test_kinds_and_licences_are_filtered(tmp_path) -> None:
    catalog = table(tmp_path)
    assert names(catalog, kinds=("still",)) == ["four.png"]
    assert names(catalog, kinds=("av", "silent"), licence="permissive") == ["a/one.mp4", "a/two.mp4"]
    with pytest.raises(InputError, match="no clips of split 'train', kinds .'silent'. and licence 'permissive'"):
        read_recordings(catalog, kinds=("silent",), licence="permissive")


@pytest.mark.parametrize(
    ("licence", "is_free"),
    [
        ("CC BY 4.0", True), ("MIT (code)", True), ("CC BY 4.0: Face Research Lab London Set", True), ("mine", True),
        ("CC BY-NC 4.0", False), ("cc-by-nc-sa-4.0", False), ("noncommercial", False), ("Non-Commercial use", False),
        ("research only", False), ("academic", False), ("", False), (" ", False),
    ],
)  # fmt: skip
def test_a_licence_that_reserves_commercial_use_however_it_is_written_is_left_out_and_told(
    tmp_path, caplog, licence, is_free
) -> None:
    catalog = table(tmp_path, HEADER + f"four.png,train,still,cid,{licence},\nfive.mp4,train,still,dan,CC0,\n")
    with caplog.at_level("INFO", "facediff"):
        assert names(catalog, licence="permissive") == ["four.png", "five.mp4"][not is_free :]
    assert ("1 of 2 rows are left out" in caplog.text) is not is_free
    assert names(catalog) == ["four.png", "five.mp4"]


@pytest.mark.parametrize(
    ("licence", "note", "is_free"),
    [
        ("MIT (code)", "MEAD frontal 256, emotion angry", False), ("CC BY 4.0 (LRS3)", "", False),
        ("Apache-2.0", "mead", False), ("MIT", "a meadow", True), ("MIT", "HDTF 512x512 face crop", True),
        ("CC BY 4.0", "GRID corpus sentence", True),
    ],
)  # fmt: skip
def test_clips_of_a_set_that_reserves_commercial_use_are_left_out_whatever_a_repository_says(
    tmp_path, licence, note, is_free
) -> None:
    header = "file,split,kind,identity,licence,note\n"
    catalog = table(tmp_path, header + f'four.png,train,still,cid,{licence},"{note}"\nfive.mp4,train,still,dan,CC0,\n')
    assert names(catalog, licence="permissive") == ["four.png", "five.mp4"][not is_free :]
    assert names(catalog) == ["four.png", "five.mp4"]


def test_where_nothing_is_left_it_says_what_other_licences_would_give(tmp_path) -> None:
    catalog = table(tmp_path, HEADER + "four.png,train,still,cid,CC BY-NC 4.0,\n")
    with pytest.raises(InputError, match="licence 'permissive'; of other licences there are 1$"):
        read_recordings(catalog, licence="permissive")


def test_sound_is_the_clips_own_or_a_file_beside_it_and_only_speech_has_any(tmp_path) -> None:
    catalog = table(tmp_path)
    sounds = [clip.sound for clip in read_recordings(catalog)]
    assert sounds == [tmp_path / "a" / "one.mp4", tmp_path / "a" / "two.flac", None, None]
    assert read_recordings(catalog, split="test")[0].sound == tmp_path / "five.mp4"  # a note that names no file
    without = table(tmp_path, "file,split,kind,identity,licence\nfive.mp4,train,av,dan,CC0\n")
    assert read_recordings(without)[0].sound == tmp_path / "five.mp4"


def test_a_sound_that_is_not_there_is_named(tmp_path) -> None:
    catalog = table(tmp_path)
    (tmp_path / "a" / "two.flac").unlink()
    with pytest.raises(InputError, match="the sound two.flac of a/two.mp4 is not there"):
        read_recordings(catalog)


def test_spreadsheets_may_mark_their_encoding_and_leave_out_last_cells(tmp_path) -> None:
    catalog = table(tmp_path)
    catalog.write_text("\ufeff" + HEADER + "four.png,train,still,cid,CC0\n", encoding="utf-8")
    assert names(catalog) == ["four.png"]


@pytest.mark.parametrize("missing", ["file", "split", "kind", "identity", "licence"])
def test_a_column_that_is_missing_is_named(tmp_path, missing) -> None:
    renamed = HEADER.replace(missing, "other") + ROWS
    with pytest.raises(InputError, match=f"lacks the column '{missing}'; it needs file, split, kind"):
        read_recordings(table(tmp_path, renamed))


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "lacks the column 'file'"),
        (HEADER, {}, "lists no clip; give it a row for each"),
        ("file,split\nsix.mp4,train\n", {}, "lacks the column 'kind'"),
        (HEADER + ROWS, {"split": "dev"}, "has no clips of split 'dev'"),
        (HEADER + ROWS, {"licence": "free"}, "licence is 'any' or 'permissive', not 'free'"),
        (HEADER + "six.mp4,train,av,eve,CC0,\n", {}, "names six.mp4, which is not there"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, text, options, said) -> None:
    with pytest.raises(InputError, match=said):
        read_recordings(table(tmp_path, text), **options)


def test_files_of_other_splits_need_not_be_there(tmp_path) -> None:
    assert names(table(tmp_path, HEADER + ROWS + "gone.mp4,test,av,eve,CC0,\n"))[-1] == "four.png"
    with pytest.raises(InputError, match="no table of clips at .*none.csv"):
        read_recordings(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder; give a CSV of the clips in it, or --data"):
        read_recordings(tmp_path)
    (tmp_path / "none.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="none.csv is no CSV in UTF-8"):
        read_recordings(tmp_path / "none.csv")
