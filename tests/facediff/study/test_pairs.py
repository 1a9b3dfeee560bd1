import json

import pytest

from facediff.errors import InputError
from facediff.study.pairs import read_pairs


def test_folders_are_paired_by_name(two_folders):
    pairs = read_pairs(two_folders)
    assert [(pair.name, pair.system_a, pair.system_b) for pair in pairs] == [
        ("clip0", "ours", "theirs"), ("clip1", "ours", "theirs"),
    ]  # fmt: skip


def test_tables_name_files_beside_them(two_folders):
    root = two_folders[0].parent
    table = root / "pairs.csv"
    table.write_text("a,b,name,system_a\nours/clip0.mp4,theirs/clip0.mp4,first,v2\n", encoding="utf-8-sig")
    (pair,) = read_pairs([table])
    assert (pair.name, pair.system_a, pair.system_b) == ("first", "v2", "theirs")
    table = root / "pairs.json"
    table.write_text(json.dumps([{"a": "ours/clip0.mp4", "b": "theirs/clip1.mp4"}]))
    assert read_pairs([table])[0].b.name == "clip1.mp4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "names no pair"),
        ("a,c\nours/clip0.mp4,x\n", "pair 1 of .* has no 'b'"),
        ("a,b\nours/clip0.mp4,gone.mp4\n", "pair 1 of .* names gone.mp4, which is no video that is there"),
        ("a,b\nours/clip0.mp4,ours/clip1.mp4\n", "both videos of pair 1 of .* are of 'ours'"),
        ("a,b\n" + "ours/clip0.mp4,theirs/clip0.mp4\n" * 2, "two pairs called 'clip0'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text, said, two_folders):
    table = two_folders[0].parent / "wrong.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=said):
        read_pairs([table])


def test_folders_that_share_nothing_are_refused(two_folders, tmp_path):
    with pytest.raises(InputError, match="have no videos of the same names"):
        read_pairs([two_folders[0], tmp_path])
    with pytest.raises(InputError, match="both folders are"):
        read_pairs([tmp_path, tmp_path])
    with pytest.raises(InputError, match="pairs are a CSV or JSON file, or two folders"):
        read_pairs([tmp_path])
